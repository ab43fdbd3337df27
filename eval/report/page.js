"use strict";
// Filters, orders and pages the items. Without it all of them are listed, each to be opened.
(() => {
  const PAGE = 50;
  const find = (id) => document.getElementById(id);
  const list = find("list");
  const items = Array.from(list.querySelectorAll(":scope > details"), (node, place) => ({
    node, place, figure: node.querySelector(".figure"), kind: node.dataset.kind, outcome: node.dataset.outcome, scores: JSON.parse(node.dataset.scores),
  }));
  let shown = PAGE;

  // What is searched is gathered at the first search, not while the page opens.
  const contains = (item, words) => {
    item.text ??= item.node.textContent.toLowerCase();
    return words.every((word) => item.text.includes(word));
  };

  const chosen = () => {
    const words = find("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    const kind = find("kind").value, outcome = find("outcome").value;
    return items.filter((item) => (!kind || item.kind === kind) && (!outcome || item.outcome === outcome)
      && contains(item, words));
  };

  // Worst first; what was not scored comes last, for it is neither good nor bad.
  const ordered = (found) => {
    const order = find("order"), name = order.value;
    const sign = order.selectedOptions[0].dataset.better === "lower" ? -1 : 1;
    const key = (item) => (item.scores[name] ?? null) === null ? Infinity : sign * item.scores[name];
    return name ? found.sort((a, b) => (key(a) === key(b) ? a.place - b.place : key(a) - key(b)))
      : found.sort((a, b) => a.place - b.place);
  };

  const label = (item, name) => {
    const score = item.scores[name] ?? null;
    item.figure.textContent = `${name} ${score === null ? "not scored" : +score.toFixed(3)}`;
  };

  const draw = () => {
    const found = ordered(chosen());
    found.slice(0, shown).forEach((item) => label(item, find("order").value || "mean"));
    items.forEach((item) => { item.node.hidden = true; });
    found.slice(0, shown).forEach((item) => { item.node.hidden = false; });
    list.append(...found.map((item) => item.node));
    find("count").textContent = `${Math.min(shown, found.length)} of ${found.length} items shown`;
    find("more").hidden = found.length <= shown;
    return found;
  };

  // A link to an item, or into one, opens it wherever in the list it is.
  const follow = () => {
    const id = /^#(item-\d+)/.exec(location.hash)?.[1];
    const target = id && find(id);
    if (!target) return;
    const place = ordered(chosen()).findIndex((item) => item.node === target);
    if (place >= shown) { shown = place + 1; draw(); }
    if (place < 0) target.hidden = false;
    target.open = true;
    document.getElementById(location.hash.slice(1))?.scrollIntoView();
  };

  const again = () => { shown = PAGE; draw(); };
  let waiting;
  find("search").addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(again, 150); });
  for (const id of ["kind", "outcome", "order"]) find(id).addEventListener("change", again);
  find("filter").addEventListener("submit", (event) => event.preventDefault());
  find("more").addEventListener("click", () => { shown += PAGE; draw(); });
  addEventListener("hashchange", follow);
  find("filter").hidden = false;
  draw();
  follow();
})();
