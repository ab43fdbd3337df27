// A question is sent without leaving the page, and its article put together as it comes.
import { eventsOf } from "./events.js";

const status = () => document.getElementById("status");
const stop = () => document.getElementById("stop");
const LOST = "The connection was lost before the answer was whole.";
let running = null;
let shown = location.pathname;

/** Has every form that asks stream its answer; also those of articles that are still to come. */
export function streamForms(root) {
  if (!document.getElementById("turns")) return;
  root.addEventListener("submit", (event) => {
    if (!event.target.matches("form.ask-form")) return;
    event.preventDefault();
    ask(event.target, event.submitter);
  });
  // The way back leads to a page of another address, which is no longer here.
  window.addEventListener("popstate", () => location.pathname !== shown && location.reload());
  stop()?.addEventListener("click", () => running?.abort());
  const question = document.getElementById("question");
  question?.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      question.form.requestSubmit();
    }
  });
}

async function ask(form, submitter) {
  if (running) return;
  running = new AbortController();
  const sent = new URLSearchParams(new FormData(form, submitter));
  busy(true);
  tell("Sending the question");
  let turn = null;
  try {
    const response = await fetch(form.action, {
      method: "POST",
      body: sent,
      headers: { Accept: "text/event-stream, application/problem+json;q=0.9" },
      signal: running.signal,
    });
    if (!response.ok) throw new Error(await said(response));
    let isWhole = false;
    for await (const { name, data } of eventsOf(response.body)) {
      if (name === "status") tell(data.text);
      if (name === "begin") turn = begin(data.html);
      if (name === "part") turn.querySelector(".answer").append(fragment(data.html));
      if (name === "error") throw new Error(data.detail);
      if (name === "done") {
        finish(form, turn, data);
        isWhole = true;
      }
    }
    if (!isWhole) throw new Error(LOST);
  } catch (error) {
    turn?.remove();
    retry(why(error, turn), form, submitter);
  } finally {
    running = null;
    busy(false);
  }
}

/** What a browser says of a connection that fails is not for readers. */
function why(error, turn) {
  if (error.name === "AbortError") return "Stopped.";
  if (error instanceof TypeError) return turn ? LOST : "The service cannot be reached.";
  return error.message;
}

function begin(html) {
  document.getElementById("turns").append(fragment(html));
  const turn = document.querySelector("#turns > .turn:last-child");
  turn.scrollIntoView({ block: "start" });
  return turn;
}

/** Who has asked reads on from the title. */
function read(turn) {
  const heading = turn.querySelector("h1");
  heading.tabIndex = -1;
  heading.focus({ preventScroll: true });
}

function finish(form, turn, { address, conversation_id: id, title }) {
  const own = document.getElementById("ask");
  let field = own.elements.conversation_id;
  if (!field) {
    field = document.createElement("input");
    field.type = "hidden";
    field.name = "conversation_id";
    own.prepend(field);
  }
  field.value = id;
  if (form === own) clear(own);
  document.title = `${title} · Osler`;
  history.pushState(null, "", address);
  shown = location.pathname;
  tell("");
  if (document.activeElement.matches("body, .ask-form *")) read(turn);
  document.dispatchEvent(new CustomEvent("osler:answered"));
}

/** What was told of the patient is known to the conversation now. */
function clear(form) {
  form.elements.question.value = "";
  const once = form.querySelector("[data-once]");
  for (const input of once.querySelectorAll("input")) input.value = "";
  for (const choice of once.querySelectorAll("select")) choice.selectedIndex = 0;
  once.open = false;
}

function retry(message, form, submitter) {
  tell(`${message} `);
  const button = document.createElement("button");
  button.type = "button";
  button.className = "quiet";
  button.textContent = "Try again";
  button.addEventListener("click", () => ask(form, submitter));
  status().append(button);
}

/** HTML that the service made and escaped. */
function fragment(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content;
}

async function said(response) {
  try {
    return (await response.json()).detail;
  } catch {
    return `The service answered with ${response.status}.`;
  }
}

function tell(text) {
  status().textContent = text;
}

function busy(is) {
  document.body.classList.toggle("busy", is);
  if (stop()) stop().hidden = !is;
}
