// The keyboard: "/" asks, "j" and "k" go from statement to statement, Enter opens a quote, "?" tells of all this.
import { toggle } from "./quote.js";

export function keys(root) {
  root.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, textarea, select, dialog")) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    const does = { "/": toAsk, "?": help, j: () => step(1), k: () => step(-1), Enter: () => open(event) }[event.key];
    if (does && does() !== false) event.preventDefault();
  });
}

function toAsk() {
  const question = document.getElementById("question");
  if (!question) {
    location.href = "/";
    return;
  }
  question.focus();
}

function help() {
  document.getElementById("help").showModal();
}

function step(by) {
  const all = [...document.querySelectorAll(".statement")];
  if (!all.length) return false;
  const at = all.indexOf(document.activeElement.closest(".statement"));
  const next = all[Math.min(all.length - 1, Math.max(0, at + by))];
  next.focus();
  next.scrollIntoView({ block: "nearest" });
}

function open(event) {
  if (!event.target.matches(".statement")) return false;
  const cite = event.target.querySelector("a.cite");
  if (!cite) return false;
  toggle(cite);
}
