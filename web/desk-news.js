// What is told aloud to who does not look: in the dialog that is open, for what stands behind it is not read.

import { at } from "./base.js";

// What changes without a word of its own, and when that is told: always, or only while a dialog hides it from who listens.
const TOLD = [
  ["cut-off", (text) => text],
  ["hold-title", (text) => (/nearly over|be back by now/.test(text) ? text : null)],
  ["consult-tag", (text) => (/^note not/.test(text) ? null : `${at("consult-title").textContent}: ${text}`)],
  ["phone-state", (text) => (/^(No phone|Phone connects)/.test(text) ? null : text)],
  ["elsewhere-title", (text) => `${text}. ${at("elsewhere-words").textContent}`],
  ["joined", (text) => (openDialog() ? text : null)],
];

let said = [];

// Interrupts what is being read. What is told in the same moment is told together.
export function announce(text) {
  said.push(text);
  if (said.length > 1) return;
  setTimeout(() => {
    place().textContent = said.join(". ");
    said = [];
  });
}

// Of dialogs that are open the last is before all others.
const openDialog = () => [...document.querySelectorAll("dialog[open]")].at(-1);
const place = () => openDialog()?.querySelector(".announce") ?? at("announce");

export function wireNews() {
  for (const dialog of document.querySelectorAll("dialog")) {
    const region = at("announce").cloneNode();
    region.removeAttribute("id");
    region.classList.add("announce");
    dialog.append(region);
  }
  for (const [id, words] of TOLD) tellChanges(id, words);
  tellMuting();
}

function tellChanges(id, words) {
  const element = at(id);
  if (!element) return;
  let last = "";
  const look = () => {
    const text = element.checkVisibility() ? element.textContent : "";
    if (text === last) return;
    last = text;
    const told = text && words(text);
    if (told) announce(told);
  };
  // It may be its panel that shows and goes.
  const options = { attributes: true, attributeFilter: ["hidden"], childList: true, characterData: true, subtree: true };
  new MutationObserver(look).observe(element.closest("section") ?? element, options);
}

function tellMuting() {
  const mute = at("mute");
  let muted = false;
  const look = () => {
    const is = mute.ariaPressed === "true";
    if (is === muted) return;
    muted = is;
    if (mute.checkVisibility()) announce(is ? "Muted" : "Not muted: you are heard");
  };
  new MutationObserver(look).observe(mute, { attributes: true, attributeFilter: ["aria-pressed"] });
}

// A call that rings is before all dialogs that are about no call. What was written in them stays.
export function closeIdleDialogs() {
  for (const dialog of document.querySelectorAll("dialog[data-about-no-call][open]")) {
    dialog.close();
    dispatchEvent(new Event("dialog-gave-way"));
    at("main").focus({ preventScroll: true });
  }
}
