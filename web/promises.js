// Promises to callers as they stand on a page: what, to whom, by when, and what became of it.

import { ask, attempt, capital, clockOf, make, whenText } from "./base.js";

const SOON_S = 3600;

function dueTag({ due, state, reminded }, now) {
  if (state === "overdue") return make("span", { class: "tag bad" }, "overdue since ", whenText(due));
  const soon = Date.parse(due) - now < SOON_S * 1000;
  return make("span", { class: `tag ${reminded ? "warn" : "plain"}` }, ...(soon ? ["due in ", clockOf({}, due, "until")] : [`due ${whenText(due)}`]));
}

// One promise as an item of a list. `mine`: the reader may say what became of it. `told`: what is said of whom it binds.
export function promiseItem(promise, { now, mine, told, error }) {
  const { id, kind, words, owner, number, name } = promise;
  const settle = (state) => attempt(error, () => ask("POST", `/api/v1/promises/${id}`, { state }));
  const whom = name || number || "a withheld number";
  const button = (state, text) => make("button", { class: "quiet", type: "button", "aria-label": `${text}: ${words || kind}, ${whom}`, onclick: () => settle(state) }, text);
  return make("li", { class: "promise" },
    make("div", { class: "row spread" }, make("b", {}, capital(kind)), dueTag(promise, now)),
    words ? make("div", {}, words) : null,
    make("div", { class: "row spread" },
      make("span", { class: "muted" }, told(whom, owner)),
      mine ? make("span", { class: "row" }, button("kept", "Kept"), button("broken", "Broken")) : null));
}
