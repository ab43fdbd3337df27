// A question is sent without leaving the page, and its article put together as it comes. One at a time: what is asked
// meanwhile waits, in the box where it was typed.
import { eventsOf } from "./events.js";
import { problemOf, refuse, settle } from "./refused.js";

const LOST = "The connection was lost before the answer was whole.";
const own = () => document.getElementById("ask");
const question = () => document.getElementById("question");
const status = () => document.getElementById("status");
const drafted = () => document.getElementById("draft");
const stop = () => document.getElementById("stop");
const SO_FAR = "Verified so far. The article follows, with its sources.";
let running = null;
let waiting = null;
let shown = location.pathname;
let told = "";

/** Has every form that asks stream its answer; also those of articles that are still to come. */
export function streamForms(root) {
  if (!document.getElementById("turns")) return;
  root.addEventListener("submit", (event) => {
    if (!event.target.matches("form.ask-form")) return;
    event.preventDefault();
    submitted(event.target, event.submitter);
  });
  // A field that is folded away cannot be told of by the browser.
  root.addEventListener("invalid", (event) => event.target.closest("details")?.setAttribute("open", ""), true);
  // The way back leads to a page of another address, which is no longer here.
  window.addEventListener("popstate", () => location.pathname !== shown && location.reload());
  stop()?.addEventListener("click", () => running?.abort());
  question()?.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      own().requestSubmit();
    }
  });
}

function submitted(form, submitter) {
  if (running) {
    waiting = { form, submitter };
    tell(told);
    return;
  }
  const body = new URLSearchParams(new FormData(form, submitter));
  settle(form);
  if (form === own()) clear(form);
  ask(form, submitter, body);
}

async function ask(form, submitter, body) {
  running = new AbortController();
  busy(true);
  tell("Sending the question");
  let turn = null;
  try {
    const response = await fetch(form.action, {
      method: "POST",
      body,
      headers: { Accept: "text/event-stream, application/problem+json;q=0.9" },
      signal: running.signal,
    });
    if (!response.ok) throw await problemOf(response);
    let isWhole = false;
    for await (const { name, data } of eventsOf(response.body)) {
      if (name === "status") tell(data.text);
      if (name === "written") draft(data);
      if (name === "begin") turn = begin(data.html);
      if (name === "part") turn.querySelector("article").append(fragment(data.html));
      if (name === "error") throw new Error(data.detail);
      if (name === "done") {
        finish(turn, data);
        isWhole = true;
      }
    }
    if (!isWhole) throw new Error(LOST);
    running = null;
    busy(false);
    present(turn);
  } catch (error) {
    turn?.remove();
    drafted()?.remove();
    running = null;
    busy(false);
    failed(error, why(error, turn), form, submitter, body);
  }
}

/** What a browser says of a connection that fails is not for readers. */
function why(error, turn) {
  if (error.name === "AbortError") return "Stopped.";
  if (error instanceof TypeError) return turn ? LOST : "The service cannot be reached.";
  return error.message;
}

/** What is verified before the article is whole can be read until it is. */
function draft({ heading, html }) {
  const shown = drafted() ?? document.getElementById("turns").appendChild(document.createElement("section"));
  if (!shown.id) {
    Object.assign(shown, { id: "draft", className: "turn draft", ariaLabel: "Verified so far" });
    shown.append(Object.assign(document.createElement("p"), { className: "soft", textContent: SO_FAR }));
    shown.scrollIntoView({ block: "start" });
  }
  if (shown.dataset.heading !== heading) {
    shown.append(Object.assign(document.createElement("h2"), { textContent: heading }));
    shown.dataset.heading = heading;
  }
  shown.append(fragment(html));
}

function begin(html) {
  drafted()?.remove();
  document.getElementById("turns").append(fragment(html));
  const turn = document.querySelector("#turns > .turn:last-child");
  turn.scrollIntoView({ block: "start" });
  return turn;
}

/** Makes the page what it is when it is loaded anew. */
function finish(turn, { address, conversation_id: id, title, audience, box }) {
  const form = own();
  if (!form.elements.conversation_id) {
    const field = Object.assign(document.createElement("input"), { type: "hidden", name: "conversation_id" });
    field.setAttribute("value", id);
    form.prepend("\n", field);
    document.title = `${title} · Osler`;
  }
  form.querySelector("[for=question]").textContent = box.label;
  question().placeholder = box.placeholder;
  for (const choice of form.elements.audience) choice.defaultChecked = choice.value === audience;
  for (const part of document.querySelectorAll("#welcome, #examples")) part.remove();
  document.querySelector(".top nav [aria-current]")?.removeAttribute("aria-current");
  history.pushState(null, "", address);
  shown = location.pathname;
  document.dispatchEvent(new CustomEvent("osler:answered"));
}

/** Who has asked reads on from the title; who is at something else is told that the answer is there. */
function present(turn) {
  const next = waiting;
  waiting = null;
  if (next?.form.reportValidity()) {
    submitted(next.form, next.submitter);
    return;
  }
  const at = document.activeElement;
  const isFree = at.matches("body, .ask-form *") && !at.closest(".panel") && !question().value;
  tell(isFree ? "" : "The answer is there.");
  if (isFree) turn.querySelector("h1").focus({ preventScroll: true });
}

/** What was told of the patient is known to the conversation, once it is answered. */
function clear(form) {
  const once = form.querySelector("[data-once]");
  for (const field of [question(), ...once.querySelectorAll("input")]) field.value = "";
  for (const choice of once.querySelectorAll("select")) choice.selectedIndex = 0;
  once.open = false;
}

/** Puts back into the box what was sent from it, unless something else is there by now. Whether it did. */
function restore(form, body) {
  if (question().value.trim()) return false;
  const once = form.querySelector("[data-once]");
  for (const field of [question(), ...once.querySelectorAll("input, select")]) field.value = body.get(field.name) ?? "";
  once.open = [...once.querySelectorAll("input")].some((field) => field.value);
  return true;
}

function failed(error, message, form, submitter, body) {
  waiting = null; // it stays where it was typed
  const isThere = form !== own() || restore(form, body);
  if (isThere && refuse(form, error)) {
    tell("");
    return;
  }
  tell(isThere ? message : `${message} Not answered: “${cut(body.get("question"))}”.`);
  const again = Object.assign(document.createElement("button"), { type: "button", className: "quiet" });
  again.textContent = "Try again";
  again.addEventListener("click", () => (isThere ? form.requestSubmit(submitter) : ask(form, submitter, body)));
  status().append(" ", again);
  if (document.activeElement.matches("body, #stop")) again.focus();
}

function cut(text) {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

/** HTML that the service made and escaped. */
function fragment(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content;
}

function tell(text) {
  told = text;
  status().textContent = waiting ? `${text}. Your next question waits.` : text;
}

function busy(is) {
  document.body.classList.toggle("busy", is);
  if (stop()) stop().hidden = !is;
}
