// The desk by keyboard: single keys that press its buttons, while nobody writes.

import { at, write } from "./base.js";

const WRITTEN_IN = "input:not([type=radio]):not([type=checkbox]), select, textarea";
const CONTROL = "input, select, textarea";
const PRESSED = "button, a, input, summary";
// Who writes pauses for less than this between two keys, in milliseconds.
const WRITES_ON = 800;
// Who hangs up by key says so again within this time, in milliseconds.
const AGAIN_WITHIN = 3000;

const KEYS = {
  r: ["take-back", "ready"], n: ["not-ready"], d: ["decline"], m: ["mute"], h: ["hold"], b: ["resume"], c: ["consult", "add"], l: ["escalate"], v: ["verify"], k: ["keypad"], p: ["place"],
  x: ["pause", "record"], o: ["outcome"], w: ["misrouted", "misrouted-more"], y: ["call-back"], e: ["hang-up"], s: ["speak"], t: ["toggle"], j: ["join"], a: ["acknowledge"], enter: ["take-back", "pick-up", "complete"],
};

// Single keys act when nothing is being written and no form or dialog is open. They can be switched off. `shut` closes the
// form of the outcome.
export function wireShortcuts({ current, shut }) {
  const box = at("shortcuts");
  box.checked = localStorage.getItem("warmline.shortcuts") !== "off";
  const apply = () => document.body.classList.toggle("no-keys", !box.checked);
  box.addEventListener("change", () => {
    localStorage.setItem("warmline.shortcuts", box.checked ? "on" : "off");
    apply();
  });
  apply();
  // The form of the outcome vanishes under who writes in it when a call rings: what they go on to write is no wish.
  let written = -Infinity;
  const form = at("wrap-up");
  form.addEventListener("submit", () => (written = -Infinity));
  form.addEventListener("focusout", ({ target }) => {
    if (target.checkVisibility()) written = -Infinity;
  });
  // So does a dialog that gives way to a call.
  let writtenInDialog = -Infinity;
  addEventListener("dialog-gave-way", () => (written = writtenInDialog));
  // Opened in a talk, not the one of the wrap-up, which stands there by itself.
  const isOpened = () => form.checkVisibility() && at("actions").checkVisibility();
  // What was pressed and has kept the focus: whoever goes on by keys has done with it.
  let used = null;
  addEventListener("click", ({ target }) => {
    const pressed = target.closest(PRESSED);
    if (pressed === document.activeElement) used = pressed;
  }, true);
  addEventListener("focusin", ({ target }) => {
    if (target !== used) used = null;
  });
  const hangUp = new Twice({ button: at("hang-up"), key: "e", words: "Press E again to hang up", current });
  addEventListener("keydown", (event) => {
    const { key, target } = event;
    const modified = event.ctrlKey || event.altKey || event.metaKey;
    const dialog = document.querySelector("dialog[open]");
    hangUp.follows(event);
    if (target.form === form && target.matches(CONTROL)) written = event.timeStamp;
    if (dialog && target.matches(WRITTEN_IN)) writtenInDialog = event.timeStamp;
    if (key === "Enter" && (event.ctrlKey || event.metaKey)) {
      // A digit chooses an outcome without being in the form.
      const filled = target.form ?? (form.checkVisibility() && !dialog ? form : null);
      filled?.requestSubmit(filled.querySelector("button.main[type=submit]"));
      return;
    }
    if (key === "Escape" && !dialog && isOpened()) {
      shut();
      written = -Infinity;
      return at("outcome").focus();
    }
    const busy = target.matches(WRITTEN_IN) || dialog;
    if (!busy && event.timeStamp - written < WRITES_ON && target.form !== form) {
      written = event.timeStamp;
      return;
    }
    if (busy || modified) return;
    // Who begins to write at an outcome writes the note.
    if (target.form === form && target.matches(CONTROL) && /^\p{L}$/u.test(key)) return at("outcome-note").focus();
    if (!box.checked) return;
    const outcome = at("outcomes").querySelectorAll("input")[Number(key) - 1];
    if (outcome && outcome.checkVisibility()) return outcome.click();
    // Enter belongs to the button that has the focus; but it picks up where that button was pressed before, and not
    // chosen anew: "Use this page as my phone" would be "Stop" by now.
    if (key === "Enter" && target.matches(PRESSED)) {
      if (target !== used || !at("pick-up").checkVisibility()) return;
      // Nor is it pressed by who picks up twice.
      target.blur();
    } else if (target.matches(CONTROL) || target.closest("form") || isOpened()) {
      return;
    }
    if (key === "?") return at("keys-dialog").showModal();
    for (const id of KEYS[key.toLowerCase()] ?? []) {
      const button = at(id);
      if (button.checkVisibility() && !button.disabled) {
        event.preventDefault();
        return button.id === "hang-up" ? hangUp.press(event) : button.click();
      }
    }
  });
}

// A button whose key is pressed twice before it does what it does, with no other key between or just before: that is
// somebody who writes, into no field.
class Twice {
  #button;
  #key;
  #words;
  #current;
  #label;
  #other = -Infinity;
  // The call that it is about.
  #asked = null;
  #timer = null;

  constructor({ button, key, words, current }) {
    [this.#button, this.#key, this.#words, this.#current] = [button, key, words, current];
    this.#label = [...button.childNodes];
  }

  // Every key that is pressed on the page.
  follows({ key, timeStamp }) {
    if (key.toLowerCase() === this.#key || key === "Shift") return;
    this.#other = timeStamp;
    this.#forget();
  }

  press({ timeStamp, repeat }) {
    if (repeat || timeStamp - this.#other < WRITES_ON) return;
    const { call } = this.#current();
    const again = this.#asked === call;
    this.#forget();
    if (again) return this.#button.click();
    this.#asked = call;
    this.#button.textContent = this.#words;
    write(at("announce"), this.#words);
    this.#timer = setTimeout(() => this.#forget(), AGAIN_WITHIN);
  }

  #forget() {
    if (this.#asked === null) return;
    clearTimeout(this.#timer);
    this.#asked = null;
    this.#button.replaceChildren(...this.#label);
    write(at("announce"), "");
  }
}
