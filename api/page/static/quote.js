// A citation opens its quote under the line that is read; a source shows which statements it supports.

export function openQuotes(root) {
  root.addEventListener("click", (event) => {
    const cite = event.target.closest("a.cite[data-source]");
    if (!cite || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    toggle(cite);
  });
  root.addEventListener("mouseover", (event) => mark(event.target, true));
  root.addEventListener("mouseout", (event) => mark(event.target, false));
  root.addEventListener("focusin", (event) => mark(event.target, true));
  root.addEventListener("focusout", (event) => mark(event.target, false));
}

/** Opens the quote of a citation, or closes it. */
export async function toggle(cite) {
  const line = cite.closest(".statement");
  const open = line.nextElementSibling?.matches(".quote") ? line.nextElementSibling : null;
  open?.remove();
  cite.closest(".answer")?.querySelectorAll("a.cite[aria-expanded]").forEach((other) => {
    if (other.closest(".statement") === line) other.removeAttribute("aria-expanded");
  });
  if (open?.dataset.href === cite.href) return;
  const panel = document.createElement("aside");
  panel.className = "quote";
  panel.dataset.href = cite.href;
  panel.setAttribute("aria-label", cite.getAttribute("aria-label"));
  panel.tabIndex = -1;
  panel.textContent = "Opening the quote";
  cite.setAttribute("aria-expanded", "true");
  line.after(panel);
  panel.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close(panel, cite);
  });
  try {
    const response = await fetch(`${cite.href}&part=true`);
    if (!response.ok) throw new Error(`The passage cannot be opened (${response.status}).`);
    panel.innerHTML = await response.text();
  } catch (error) {
    panel.textContent = error.message;
  }
  const shut = document.createElement("button");
  shut.type = "button";
  shut.className = "quiet shut";
  shut.textContent = "Close";
  shut.addEventListener("click", () => close(panel, cite));
  panel.append(shut);
  panel.focus({ preventScroll: true });
  panel.scrollIntoView({ block: "nearest" });
}

function close(panel, cite) {
  panel.remove();
  cite.removeAttribute("aria-expanded");
  cite.focus();
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
