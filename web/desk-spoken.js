// The note as voice: spoken while the caller is held, and played to whoever is consulted before they acknowledge it.

import { about, ask, at, attempt, clock, clockOf, redraw, show, showLevel, write } from "./base.js";

// The server ends it then, in milliseconds.
const LONGEST = 20_000;

export class SpokenNote {
  #current;
  #level;
  // Of which call a note is being spoken, and until when at most.
  #speaks = null;

  // `current`: the call on the card. `level`: how loud the microphone of this page is, 0 to 1.
  constructor({ current, level }) {
    this.#current = current;
    this.#level = level;
    at("speak").addEventListener("click", () => this.#toggle());
    setInterval(() => this.#measure(), 100);
  }

  draw({ call, role, phase, hold, consult, spoken_note_s: length }, atDesk) {
    const unread = Boolean(consult) && !consult.adds && !consult.acknowledged;
    const may = role === "agent" && Boolean(hold) && (phase === "holding" || unread);
    if (this.#speaks && (this.#speaks.call !== call || !may || clock() > this.#speaks.until)) this.#speaks = null;
    show(at("spoken-panel"), may);
    if (!may) return;
    const speaks = this.#speaks;
    at("speak").firstChild.data = speaks ? "That is it " : length === null ? "Speak the note " : "Speak it again ";
    at("speak").setAttribute("aria-pressed", String(Boolean(speaks)));
    redraw(at("speak-words"), [speaks, length], () => (speaks
      ? ["Speak now, ", clockOf({}, new Date(speaks.until).toISOString(), "until"), " left"]
      : [length === null ? "Who is consulted hears it before they take the call; the caller does not." : `A spoken note of ${about(length)} is there.`]));
    show(at("speak-level"), Boolean(speaks) && atDesk);
  }

  async #toggle() {
    const call = this.#current();
    const begins = this.#speaks === null;
    if (!(await attempt(at("call-error"), () => ask("POST", `/api/v1/calls/${call.call}/note/voice`, { do: begins ? "start" : "stop" })))) return;
    this.#speaks = begins ? { call: call.call, until: clock() + LONGEST } : null;
    this.#redraw();
  }

  #redraw() {
    const call = this.#current();
    if (call) this.draw(call, this.#level() !== null);
  }

  #measure() {
    if (!this.#speaks) return;
    if (clock() > this.#speaks.until) {
      this.#speaks = null;
      return this.#redraw();
    }
    showLevel(at("speak-level"), this.#level() ?? 0);
  }
}
