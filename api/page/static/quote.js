// A citation opens its quote under the line that is read; a source shows which statements it supports.

const CITES = ".statement a.cite[data-source]";
let count = 0;

export function openQuotes(root) {
  foldable(root);
  new MutationObserver(() => foldable(root)).observe(root.body, { childList: true, subtree: true });
  root.addEventListener("click", (event) => {
    const cite = event.target.closest(CITES);
    if (!cite || cite.dataset.failed || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    toggle(cite);
  });
  root.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const panel = event.target.closest(".quote") ?? panelUnder(event.target.closest(".statement"));
    if (panel) close(panel);
  });
  root.addEventListener("mouseover", (event) => mark(event.target, true));
  root.addEventListener("mouseout", (event) => mark(event.target, false));
  root.addEventListener("focusin", (event) => mark(event.target, true));
  root.addEventListener("focusout", (event) => mark(event.target, false));
}

/** Citations say that they open something: without this script they are plain links. */
function foldable(root) {
  for (const cite of root.querySelectorAll(`${CITES}:not([aria-expanded])`)) cite.setAttribute("aria-expanded", "false");
}

/** Opens the quote of a citation in place of another of its line, or closes it. Who reads stays in the line. */
export async function toggle(cite) {
  const line = cite.closest(".statement");
  const before = panelUnder(line);
  const wasOpen = cite.getAttribute("aria-expanded") === "true";
  if (before) shut(before);
  if (wasOpen) return;
  const panel = document.createElement("div");
  panel.className = "quote";
  panel.id = `quote-${++count}`;
  panel.setAttribute("role", "group");
  panel.setAttribute("aria-label", cite.getAttribute("aria-label").replace(/\. .*$/, ""));
  panel.setAttribute("aria-live", "polite");
  panel.textContent = "Opening the quote";
  cite.setAttribute("aria-expanded", "true");
  cite.setAttribute("aria-controls", panel.id);
  line.after(panel);
  const found = await part(cite.href).catch((error) => error);
  if (!panel.isConnected) return; // another was opened, or this one closed, meanwhile
  if (found instanceof Error) tellOfFailure(panel, cite, found.message);
  else panel.innerHTML = found;
  panel.prepend(closing(panel));
  panel.scrollIntoView({ block: "nearest" });
  cite.scrollIntoView({ block: "nearest" });
}

function tellOfFailure(panel, cite, why) {
  cite.dataset.failed = "true"; // from now on it is followed, as any link
  const page = document.createElement("a");
  page.href = cite.href;
  page.textContent = "Open its page";
  panel.replaceChildren(`${why} `, page);
}

async function part(href) {
  const address = new URL(href);
  address.searchParams.set("part", "true");
  const response = await fetch(address).catch(() => {
    throw new Error("The service cannot be reached.");
  });
  if (!response.ok) throw new Error(`The quote cannot be opened (${response.status}).`);
  return response.text();
}

function closing(panel) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "quiet shut";
  button.textContent = "Close";
  button.addEventListener("click", () => close(panel));
  return button;
}

/** Closes a panel, and goes back to the citation that had opened it. */
function close(panel) {
  shut(panel)?.focus();
}

function shut(panel) {
  const cite = document.querySelector(`a.cite[aria-controls="${panel.id}"]`);
  panel.remove();
  cite?.setAttribute("aria-expanded", "false");
  cite?.removeAttribute("aria-controls");
  delete cite?.dataset.failed;
  return cite;
}

function panelUnder(line) {
  return line?.nextElementSibling?.matches(".quote") ? line.nextElementSibling : null;
}

/** Statements that rest on the source which is pointed at. */
function mark(target, is) {
  const source = target.closest?.("[data-source]");
  const answer = source?.closest(".answer");
  if (!answer) return;
  for (const statement of answer.querySelectorAll(".statement")) {
    const rests = statement.dataset.sources.split(" ").includes(source.dataset.source);
    statement.classList.toggle("rests", is && rests);
  }
}
