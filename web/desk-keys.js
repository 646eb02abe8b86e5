// The desk by keyboard: single keys that press its buttons, while nobody writes.

import { at } from "./base.js";

const WRITTEN_IN = "input:not([type=radio]):not([type=checkbox]), select, textarea";
const PRESSED = "button, a, input, summary";
// Who writes pauses for less than this between two keys, in milliseconds.
const WRITES_ON = 800;

// Single keys act when nothing is being written and no dialog is open. They can be switched off.
export function wireShortcuts() {
  const box = at("shortcuts");
  box.checked = localStorage.getItem("warmline.shortcuts") !== "off";
  const apply = () => document.body.classList.toggle("no-keys", !box.checked);
  box.addEventListener("change", () => {
    localStorage.setItem("warmline.shortcuts", box.checked ? "on" : "off");
    apply();
  });
  apply();
  const keys = {
    r: ["ready"], n: ["not-ready"], d: ["decline"], m: ["mute"], h: ["hold"], b: ["resume"], c: ["consult", "add"], l: ["escalate"], v: ["verify"], k: ["keypad"], p: ["place"],
    x: ["pause", "record"], o: ["outcome"], w: ["misrouted", "misrouted-more"], y: ["call-back"], e: ["hang-up"], s: ["speak"], t: ["toggle"], j: ["join"], a: ["acknowledge"], enter: ["pick-up", "complete"],
  };
  // The form of the outcome vanishes under who writes in it when a call rings: what they go on to write is no wish.
  let written = -Infinity;
  const form = at("wrap-up");
  form.addEventListener("submit", () => (written = -Infinity));
  form.addEventListener("focusout", ({ target }) => {
    if (target.checkVisibility()) written = -Infinity;
  });
  // What was pressed and has kept the focus: whoever goes on by keys has done with it.
  let used = null;
  addEventListener("click", ({ target }) => {
    const pressed = target.closest(PRESSED);
    if (pressed === document.activeElement) used = pressed;
  }, true);
  addEventListener("focusin", ({ target }) => {
    if (target !== used) used = null;
  });
  addEventListener("keydown", (event) => {
    const { key, target } = event;
    if (target.form === form && target.matches(WRITTEN_IN)) written = event.timeStamp;
    if (key === "Enter" && (event.ctrlKey || event.metaKey)) {
      target.form?.requestSubmit(target.form.querySelector("button.main[type=submit]"));
      return;
    }
    const busy = target.matches(WRITTEN_IN) || document.querySelector("dialog[open]");
    if (!busy && event.timeStamp - written < WRITES_ON) {
      written = event.timeStamp;
      return;
    }
    if (!box.checked || busy || event.ctrlKey || event.altKey || event.metaKey) return;
    if (key === "?") return at("keys-dialog").showModal();
    // Enter belongs to the button that has the focus; but it picks up where that button was pressed before, and not
    // chosen anew: "Use this page as my phone" would be "Stop" by now.
    if (key === "Enter" && target.matches(PRESSED)) {
      if (target !== used || !at("pick-up").checkVisibility()) return;
      // Nor is it pressed by who picks up twice.
      target.blur();
    }
    const outcome = at("outcomes").querySelectorAll("input")[Number(key) - 1];
    if (outcome && outcome.checkVisibility()) return outcome.click();
    for (const id of keys[key.toLowerCase()] ?? []) {
      const button = at(id);
      if (button.checkVisibility() && !button.disabled) {
        event.preventDefault();
        return button.click();
      }
    }
  });
}
