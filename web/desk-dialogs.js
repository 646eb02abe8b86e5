// The desk's dialogs: asking to hold, pausing the recording, the briefing note, the keypad.
//
// A dialog is about the call for which it was opened, whatever rings or ends meanwhile.

import { ask, at, attempt, make, show, words } from "./base.js";

export function wireDialogs({ current, agent }) {
  for (const dialog of document.querySelectorAll("dialog")) {
    dialog.querySelector("[value=close]")?.addEventListener("click", () => dialog.close());
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog) dialog.close();
    });
  }
  let about = null;
  const begin = () => (about = current());
  const call = (what, body) => ask("POST", `/api/v1/calls/${about.call}/${what}`, body);
  wireHold(call, begin);
  wirePause(call, begin);
  wireConsult(call, begin, agent);
  wireKeypad(call, begin);
}

// Sends a dialog's form; closes it when the server took it, else tells why not, in the dialog.
function onSend(dialog, send) {
  const form = dialog.querySelector("form");
  const error = dialog.querySelector(".error");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const buttons = [...form.querySelectorAll("button[type=submit]")];
    for (const button of buttons) button.disabled = true;
    const done = await attempt(error, () => send(event.submitter?.value));
    for (const button of buttons) button.disabled = false;
    if (done) dialog.close();
  });
  return () => {
    show(error, false);
    dialog.showModal();
  };
}

function wireHold(call, begin) {
  const dialog = at("hold-dialog");
  const open = onSend(dialog, (way) => {
    const quote_s = Number(dialog.querySelector("[name=quote]:checked").value);
    const body = { reason: at("hold-reason").value.trim(), quote_s };
    if (way === "prompted" || way === "override") return call("hold", { ...body, way });
    return call("hold", { ...body, way: "verbal", agreed: true });
  });
  at("hold").addEventListener("click", () => {
    begin();
    at("hold-reason").value ||= "looking something up";
    open();
    at("hold-reason").select();
  });
}

function wirePause(call, begin) {
  const open = onSend(at("pause-dialog"), () => call("record", { do: "pause", reason: at("pause-reason").value.trim() }));
  at("pause").addEventListener("click", () => {
    begin();
    at("pause-reason").value ||= "card or bank details";
    open();
    at("pause-reason").select();
  });
}

async function targets(agent) {
  const board = await ask("GET", "/api/v1/wallboard");
  const others = board.agents.filter(({ id, state }) => id !== agent && state !== "offline");
  const free = (state) => (state === "ready" ? 0 : 1);
  others.sort((a, b) => free(a.state) - free(b.state) || a.id.localeCompare(b.id));
  const skills = (one) => one.skills.map(({ skill }) => skill).join(", ");
  return [
    make("optgroup", { label: "Agents" }, ...others.map((one) =>
      make("option", { value: `agent ${one.id}` }, `${one.id}, ${words(one.state)} (${skills(one)})`))),
    make("optgroup", { label: "Whoever is free in" }, ...board.queues.map(({ name, waiting }) =>
      make("option", { value: `queue ${name}` }, `${name}, ${waiting} waiting`))),
    make("optgroup", { label: "Outside" }, make("option", { value: "number" }, "another number…")),
  ];
}

function wireConsult(call, begin, agent) {
  const dialog = at("consult-dialog");
  const target = () => {
    const [kind, name] = at("target").value.split(" ");
    return kind === "number" ? { number: at("outside").value.trim() } : { [kind]: name };
  };
  const open = onSend(dialog, (way) => {
    const to = target();
    if (way === "blind") return call("transfer", { to });
    const field = (id) => at(id).value.trim();
    const note = { issue: field("issue"), tried: field("tried"), wants: field("wants"), promises: field("promises") };
    note.mood = dialog.querySelector("[name=mood]:checked").value;
    return call("consult", { to, told_caller: at("told").checked, note });
  });
  at("target").addEventListener("change", () => {
    const outside = at("target").value === "number";
    show(at("outside-row"), outside);
    at("outside").required = outside;
  });
  at("consult").addEventListener("click", async () => {
    const { call: id, chose, notes } = begin();
    await attempt(at("call-error"), async () => {
      at("target").replaceChildren(...(await targets(agent)));
      at("target").dispatchEvent(new Event("change"));
      // What was written for this call before is not written again; another call begins anew.
      if (dialog.dataset.call !== String(id)) {
        dialog.querySelector("form").reset();
        dialog.dataset.call = id;
        const last = notes.at(-1);
        for (const name of ["issue", "tried", "wants", "promises"]) at(name).value = last?.[name] ?? "";
        at("issue").value ||= chose.length ? `${chose.join(", ")}: ` : "";
      }
      open();
      at("target").focus();
    });
  });
}

function wireKeypad(call, begin) {
  const dialog = at("keypad-dialog");
  const error = dialog.querySelector(".error");
  const press = (key) => attempt(error, () => call("keys", { keys: key }));
  dialog.querySelector(".pad").append(
    ...[..."123456789*0#"].map((key) => make("button", { type: "button", onclick: () => press(key) }, key)),
  );
  dialog.addEventListener("keydown", ({ key }) => {
    if (/^[0-9*#]$/.test(key)) press(key);
  });
  at("keypad").addEventListener("click", () => {
    begin();
    show(error, false);
    dialog.showModal();
  });
}
