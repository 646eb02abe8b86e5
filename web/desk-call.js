// Calling somebody from the desk: a number, a colleague, or one of the last callers.

import { ask, at, attempt, capital, make, redraw, show, stateTag, whenText } from "./base.js";

// So many of the last calls are looked at, and so many people offered.
const LOOKED_AT = 30;
const OFFERED = 6;

// `atDesk` tells whether this page is the phone: then it picks up at once.
export function wireCalling({ agent, atDesk }) {
  const dialog = at("place-dialog");
  const error = dialog.querySelector(".error");
  const call = async (to) => {
    const body = { to, at_desk: atDesk() };
    if (at("place-queue").value) body.queue = at("place-queue").value;
    if (!(await attempt(error, () => ask("POST", "/api/v1/calls", body)))) return;
    dialog.close();
    kept = false;
  };
  // What was written in a dialog that gave way to a call stands there again.
  let kept = false;
  addEventListener("dialog-gave-way", () => (kept = at("place-number").value !== ""));
  dialog.querySelector("form").addEventListener("submit", (event) => {
    event.preventDefault();
    call({ number: at("place-number").value.trim() });
  });
  at("place").addEventListener("click", async () => {
    show(error, false);
    if (!kept) at("place-number").value = "";
    kept = false;
    dialog.showModal();
    at("place-number").focus();
    await attempt(error, async () => {
      const [{ agents }, { queues }, { calls }] = await Promise.all([
        ask("GET", "/api/v1/agents"), ask("GET", "/api/v1/queues"), ask("GET", `/api/v1/calls?agent=${encodeURIComponent(agent)}&limit=${LOOKED_AT}`),
      ]);
      offerQueues(queues);
      offerColleagues(agents.filter(({ id, state }) => id !== agent && state !== "offline"), call);
      offerCallers(calls, call);
    });
  });
}

function offerQueues(queues) {
  redraw(at("place-queue"), queues.map(({ name }) => name), () => [
    make("option", { value: "" }, "the center"), ...queues.map(({ name }) => make("option", { value: name }, name)),
  ]);
}

// Whoever is ready comes first; the others are shown as they are, and the server says so if they cannot come.
function offerColleagues(colleagues, call) {
  const busy = ({ state }) => (state === "ready" ? 0 : 1);
  colleagues.sort((a, b) => busy(a) - busy(b) || a.id.localeCompare(b.id));
  show(at("place-nobody"), colleagues.length === 0);
  at("place-colleagues").replaceChildren(...colleagues.map(({ id, state, reason }) =>
    make("li", {}, make("button", { type: "button", "aria-label": `Call ${id}`, onclick: () => call({ agent: id }) }, capital(id)), " ", stateTag(state, state === "not_ready" ? reason : ""))));
}

// The people of the last calls, each once.
function offerCallers(calls, call) {
  const others = calls.map((one) => ({ ...one, number: one.direction === "outbound" ? one.to : one.from })).filter(({ number }) => /^[+0-9]/.test(number));
  const people = [...new Map(others.reverse().map((one) => [one.number, one])).values()].reverse().slice(0, OFFERED);
  show(at("place-recent-title"), people.length > 0);
  at("place-recent").replaceChildren(...people.map(({ number, display, customer_name, arrived }) =>
    make("li", {}, make("button", { type: "button", "aria-label": `Call ${number}`, onclick: () => call({ number }) }, number), " ",
      make("span", { class: "small muted" }, [customer_name ?? display, whenText(arrived)].filter(Boolean).join(", ")))));
}
