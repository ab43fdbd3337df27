// The list of conversations: brought up to date when an answer is there, changed without leaving the page.

const PROBLEM = { Accept: "application/problem+json" };

export function talks(root) {
  const list = root.getElementById("talks");
  if (!list) return;
  // Who is just renaming one keeps what they have typed.
  root.addEventListener("osler:answered", () => list.querySelector("details[open]") || refresh(list));
  list.addEventListener("submit", (event) => {
    event.preventDefault();
    tell("");
    if (isErasing(event.target) && !event.target.elements.sure) confirm(event.target);
    else send(event.target, list);
  });
}

async function refresh(list) {
  const response = await fetch(list.dataset.part, { headers: PROBLEM }).catch(() => null);
  if (!response?.ok) return;
  const template = document.createElement("template");
  template.innerHTML = await response.text(); // which the service made and escaped
  list.replaceChildren(template.content);
  for (const link of list.querySelectorAll("a")) {
    if (link.pathname === location.pathname) link.setAttribute("aria-current", "page");
  }
}

/** Erasing takes a second step, which is not the one that a second click would take. */
function confirm(form) {
  const erase = form.querySelector("button");
  const sure = Object.assign(document.createElement("input"), { type: "hidden", name: "sure", value: "yes" });
  const keep = Object.assign(document.createElement("button"), { type: "button", textContent: "Keep it" });
  const asked = erase.textContent;
  keep.addEventListener("click", () => {
    sure.remove();
    keep.remove();
    erase.textContent = asked;
    erase.focus();
  });
  erase.textContent = "Erase it for good";
  erase.before(sure, keep);
  keep.focus();
}

async function send(form, list) {
  const address = new URL(form.action).pathname.replace(/\/\w+$/, "");
  try {
    const body = new URLSearchParams(new FormData(form));
    const response = await fetch(form.action, { method: "POST", body, headers: PROBLEM, redirect: "manual" });
    if (response.type !== "opaqueredirect") throw new Error((await response.json()).detail);
  } catch (error) {
    tell(error instanceof TypeError ? "The service cannot be reached." : error.message);
    return;
  }
  if (isErasing(form) && address === location.pathname) {
    location.assign("/");
    return;
  }
  await refresh(list);
  tell(isErasing(form) ? "Erased." : "Renamed.");
  (list.querySelector(`a[href="${address}"]`) ?? list.querySelector("a"))?.focus();
}

function isErasing(form) {
  return form.action.endsWith("/delete");
}

function tell(text) {
  document.getElementById("talk-status").textContent = text;
}
