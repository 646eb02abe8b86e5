// What callers said after the tone: a list to play, and to say what was done.

import { about, ask, at, attempt, capital, make, show, whenText, write } from "./base.js";

// At most so many stand on a page, the oldest first.
const SHOWN = 50;

// Draws those that nobody has handled yet, of the queues that one may hear. Those that stand there already stay as they
// are, with what is being written beside them, and playing.
export async function drawMessages() {
  const { messages } = await ask("GET", `/api/v1/messages?handled=false&limit=${SHOWN}`);
  show(at("messages-card"), messages.length > 0);
  write(at("messages-title"), messages.length === 1 ? "A message" : `${messages.length}${messages.length === SHOWN ? " or more" : ""} messages`);
  const parts = { changed: () => drawMessages().catch(() => {}), error: at("messages-error") };
  const there = new Map([...at("messages").children].map((item) => [Number(item.dataset.message), item]));
  for (const [id, item] of there) {
    if (!messages.some((message) => message.id === id)) item.remove();
  }
  at("messages").append(...messages.filter(({ id }) => !there.has(id)).map((message) => messageItem(message, parts)));
}

// One message as an item of a list. `changed` is told once it is handled; `error` is where a refusal is told.
function messageItem({ id, call, queue, number, name, left, length_s: length, audio }, { changed, error }) {
  const whom = name ?? (number || "withheld number");
  const words = make("input", { class: "message-words", maxlength: "500", "aria-label": `What was done about the message of ${whom}`, placeholder: "what was done", autocomplete: "off" });
  const handled = async (event) => {
    event.preventDefault();
    if (await attempt(error, () => ask("POST", `/api/v1/messages/${id}/handled`, { words: words.value.trim() }))) changed();
  };
  return make("li", { class: "message", "data-message": id },
    make("div", { class: "row spread" },
      make("span", {}, make("b", {}, capital(whom)), name && number ? make("span", { class: "muted" }, ` ${number}`) : null),
      make("a", { href: `/history#${call}`, class: "small", target: "_blank", rel: "noopener" }, whenText(left))),
    make("div", { class: "muted" }, `${queue}, ${about(length)}`),
    audio ? make("audio", { controls: true, preload: "none", src: `/api/v1/messages/${id}/audio`, "aria-label": `The message of ${whom}` }) : make("div", { class: "muted" }, "What was said is gone."),
    make("form", { class: "row", onsubmit: handled }, words, make("button", { type: "submit", class: "quiet", "aria-label": `Handled: the message of ${whom}` }, "Handled")));
}
