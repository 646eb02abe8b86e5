// Where an escalation stands: who was asked, what may be promised, who is asked next.

import { about, at, capital, make, redraw, show, write } from "./base.js";

export function drawEscalation({ escalation, role, phase, consult, owed, members }, { me }) {
  const talks = ["talking", "holding", "consulting", "conference"].includes(phase);
  const visible = role === "agent" && Boolean(escalation) && (talks || (phase === "wrap_up" && Boolean(escalation.promise)));
  show(at("escalation-panel"), visible);
  if (!visible) return;
  const { level, promise, next, next_asks: asks, next_when: when } = escalation;
  write(at("escalation-title"), level ? `Escalated to ${level}` : "Not escalated");
  redraw(at("escalation-words"), [escalation], () => [
    promise ? make("div", {}, "You may promise ", make("b", {}, `${promise.kind === "callback" ? "a callback" : "an answer"} within ${about(promise.within_s)}`), promise.words ? `: ${promise.words}` : "") : "",
    next ? make("div", {}, level ? "Then " : "First ", make("b", {}, next), `, which asks ${asks}`, when.length ? `: for ${when.join(", ")}` : "") : make("div", {}, "This is the last level."),
  ]);
  // What was promised at this level already stands among the promises to the caller.
  const done = promise && owed.some(({ owner, kind, words }) => owner === me && kind === promise.kind && words === promise.words);
  show(at("quote"), Boolean(promise) && !done);
  show(at("escalate"), Boolean(next) && !consult && members.length === 0 && (phase === "talking" || phase === "holding"));
}

export function describeEscalation({ next, next_asks: asks, next_when: when }) {
  write(at("escalate-dialog-title"), next ? `Escalate to ${next}` : "Escalate");
  write(at("escalate-asks"), next ? `${capital(asks)} is asked. Who does not take it in time is passed over for the next level by itself.` : "The last level was asked already.");
  redraw(at("escalate-reasons"), when, () => when.map((words) => make("option", {}, words)));
}
