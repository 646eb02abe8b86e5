// What came of a call: the form, what is written in it before it is saved, and what happens to that when the time for it
// is over, the next call comes, or the page is loaded anew.

import { ask, at, attempt, clockOf, redraw, show, write } from "./base.js";

const KEPT = "warmline.drafts";
const FIELDS = ["outcome", "reason-code", "outcome-note", "promise-kind", "promise-words", "promise-due"];

export class WrapUp {
  #agent;
  #changed;
  // Of each call what is written, and what was saved of it.
  #drafts = new Map();
  #saved = new Map();
  // Calls that have left the desk with something written and not saved, as they were.
  #left = new Map();
  #opened = null;
  #shown = null;
  // The promise to this caller that the call may have kept.
  #owed = null;
  #last = [];

  constructor({ agent, changed, ready }) {
    this.#agent = agent;
    this.#changed = changed;
    const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? "{}");
    if (kept.agent === agent) [this.#drafts, this.#left] = [new Map(kept.drafts), new Map(kept.left)];
    addEventListener("signing-out", () => sessionStorage.removeItem(KEPT));
    const form = at("wrap-up");
    form.addEventListener("input", () => this.#write());
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#save();
    });
    at("outcomes").addEventListener("change", () => this.#promises());
    at("wrap-done").addEventListener("click", () => ready(at("call-error")));
    at("wrap-drop").addEventListener("click", () => this.#forget(this.#shown));
  }

  // The calls on the desk, and those whose outcome was begun and is not saved.
  calls(calls) {
    const gone = this.#last.filter(({ call, phase, role }) => role === "agent" && phase === "wrap_up" && !calls.some((one) => one.call === call));
    for (const call of gone) {
      if (this.#drafts.has(call.call)) this.#left.set(call.call, call);
    }
    this.#last = calls;
    for (const call of this.#saved.keys()) {
      if (!calls.some((one) => one.call === call)) this.#saved.delete(call);
    }
    this.#keep();
    return [...calls, ...[...this.#left.values()].filter(({ call }) => !calls.some((one) => one.call === call))];
  }

  isUnsaved(call) {
    return this.#left.has(call);
  }

  open(call) {
    this.#opened = call;
  }

  // What is written stays, for when it is opened again.
  shut() {
    this.#opened = null;
  }

  // `state`: the agent's; none for a supervisor, who has a caller now and then.
  draw(call, { until, state }) {
    const wraps = call.phase === "wrap_up";
    show(at("wrap-up"), call.role === "agent" && (wraps || this.#opened === call.call));
    if (this.#shown !== call.call) this.#fill(call);
    const mine = call.owed.find(({ owner }) => owner === this.#agent);
    this.#owed = mine?.id ?? null;
    show(at("kept-row"), Boolean(mine));
    write(at("kept-words"), mine ? `Your promise was kept: ${mine.words || mine.kind}` : "");
    const left = this.#left.has(call.call);
    write(at("wrap-saved"), this.#saved.get(call.call) ?? (left ? "This is not saved yet." : ""));
    show(at("wrap-done"), wraps && !left && state !== null);
    show(at("wrap-drop"), left);
    show(at("wrap-required"), call.outcome_missing && !left);
    const ends = wraps && !left ? until : null;
    redraw(at("wrap-clock"), ends, () => (ends ? ["next call in ", clockOf({}, ends, "until"), " at the latest"] : []));
  }

  #fill({ call, chose }) {
    this.#shown = call;
    at("wrap-up").reset();
    const draft = this.#drafts.get(call) ?? { "reason-code": chose.at(-1) ?? "" };
    for (const [name, value] of Object.entries(draft)) at("wrap-up").elements[name].value = value;
    this.#promises();
  }

  #promises() {
    const promised = at("wrap-up").elements.outcome.value === "promised";
    show(at("promise"), promised);
    at("promise-words").required = promised;
    at("promise-due").required = promised;
  }

  #write() {
    const { elements } = at("wrap-up");
    this.#drafts.set(this.#shown, Object.fromEntries(FIELDS.map((name) => [name, elements[name].value])));
    this.#saved.delete(this.#shown);
    write(at("wrap-saved"), "");
    this.#keep();
  }

  async #save() {
    const [call, draft] = [this.#shown, Object.fromEntries(FIELDS.map((name) => [name, at("wrap-up").elements[name].value.trim()]))];
    const promise = draft.outcome === "promised"
      ? { kind: draft["promise-kind"], due: new Date(draft["promise-due"]).toISOString(), words: draft["promise-words"] }
      : null;
    const body = { outcome: draft.outcome, reason_code: draft["reason-code"], note: draft["outcome-note"], promise };
    if (!at("kept-row").hidden && at("kept").checked) body.kept = this.#owed;
    if (!(await attempt(at("call-error"), () => ask("POST", `/api/v1/calls/${call}/outcome`, body)))) return;
    this.#saved.set(call, "Saved.");
    if (this.#opened === call) this.#opened = null;
    this.#forget(call);
  }

  #forget(call) {
    this.#drafts.delete(call);
    this.#left.delete(call);
    this.#keep();
    this.#changed();
  }

  #keep() {
    const { size } = this.#drafts;
    if (size === 0) sessionStorage.removeItem(KEPT);
    else sessionStorage.setItem(KEPT, JSON.stringify({ agent: this.#agent, drafts: [...this.#drafts], left: [...this.#left] }));
  }
}
