// The desk's dialogs: asking to hold, pausing the recording, verifying the caller, the briefing note, escalating, the keypad.
//
// A dialog is about the call for which it was opened, whatever rings or ends meanwhile.

import { ask, at, attempt, make, show, words, write } from "./base.js";
import { describeEscalation } from "./desk-escalation.js";
import { wireMisrouted } from "./desk-misrouted.js";

export function wireDialogs({ current, act, agent }) {
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
  wireEscalate(call, begin);
  wireVerify(call, begin);
  wireRepeat(call, begin);
  const belongs = () => call("misrouted", { belongs: at("misrouted-belongs").value || undefined, reason: at("misrouted-reason").value.trim() });
  wireMisrouted({ act, current, open: onSend(at("misrouted-dialog"), belongs), begin });
  wireKeypad(call, begin);
}

// Sends a dialog's form; closes it when the server took it, else tells why not, in the dialog.
function onSend(dialog, send) {
  const form = dialog.querySelector("form");
  const error = dialog.querySelector(".error");
  // What a caller said, or whether an answer fitted, is nothing that Enter in a field says by the way.
  if ("somebodysWord" in form.dataset) {
    form.addEventListener("keydown", (event) => {
      const field = event.target.matches("input, select");
      if (event.key === "Enter" && field && !event.ctrlKey && !event.metaKey) event.preventDefault();
    });
  }
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
    return call("hold", { ...body, way: "verbal", agreed: way === "agreed" });
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

// In the server's order: who helps a caller of this queue best comes first.
async function targets(agent, queue) {
  const { queues } = await ask("GET", "/api/v1/queues");
  const { agents } = await ask("GET", `/api/v1/queues/${encodeURIComponent(queue ?? queues[0].name)}/agents`);
  const others = agents.filter(({ id }) => id !== agent);
  const group = (label, some) => (some.length === 0 ? [] : [make("optgroup", { label }, ...some.map((one) =>
    make("option", { value: `agent ${one.id}` }, `${one.id}, ${words(one.state)} (${one.skills.join(", ") || "no skills"})`)))]);
  // Nobody is rung by a key too early who cannot help: where no one who can is ready, the agent says whom.
  const helps = others.some(({ fits, state }) => fits && state === "ready");
  return [
    ...(helps ? [] : [make("option", { value: "", selected: true, disabled: true }, "Choose…")]),
    ...group(queue ? `Agents for ${queue}` : "Agents", others.filter(({ fits }) => fits)),
    ...group("Other agents", others.filter(({ fits }) => !fits)),
    make("optgroup", { label: "Whoever is free in" }, ...queues.map(({ name, when, waiting }) =>
      make("option", { value: `queue ${name}` }, `${name}${when.length ? ` (${when.join(", ")})` : ""}, ${waiting} waiting`))),
    make("optgroup", { label: "Outside" }, make("option", { value: "number" }, "another number…")),
  ];
}

// What the dialog of the note is for, and what is sent by its main button.
const MODES = {
  consult: { title: "Consult or hand over", main: "send", others: ["send-prompted", "send-add", "send-blind", "target-row", "told-row"] },
  add: { title: "Add somebody to the talk", main: "send-add", others: ["target-row"] },
  amend: { title: "Change the note", main: "send-amend", others: [] },
};

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
    if (way === "amend") return call("note", note);
    if (way === "add") return call("add", { to, note });
    // By the agent's word the caller knows to whom they go, and waits; else a prompt tells and asks them.
    return call("consult", { to, told_caller: way === "agreed", note });
  });
  at("target").addEventListener("change", () => {
    const outside = at("target").value === "number";
    show(at("outside-row"), outside);
    at("outside").required = outside;
  });
  const begins = async (mode) => {
    const { call: id, queue, chose, notes } = begin();
    const { title, main, others } = MODES[mode];
    await attempt(at("call-error"), async () => {
      at("target").replaceChildren(...(await targets(agent, queue)));
      at("target").required = mode !== "amend";
      at("target").dispatchEvent(new Event("change"));
      // What was written for this call before is not written again; another call begins anew.
      if (dialog.dataset.call !== String(id) || mode === "amend") {
        dialog.querySelector("form").reset();
        dialog.dataset.call = id;
        const last = notes.at(-1);
        for (const name of ["issue", "tried", "wants", "promises"]) at(name).value = last?.[name] ?? "";
        if (last) dialog.querySelector(`[name=mood][value=${last.mood}]`).checked = true;
        at("issue").value ||= chose.length ? `${chose.join(", ")}: ` : "";
      }
      write(at("consult-dialog-title"), title);
      for (const place of ["send", "send-prompted", "send-add", "send-amend", "send-blind", "target-row", "told-row"]) {
        show(at(place), place === main || others.includes(place));
        at(place).classList.toggle("main", place === main);
      }
      open();
      at(mode === "amend" ? "issue" : "target").focus();
    });
  };
  for (const mode of Object.keys(MODES)) at(mode).addEventListener("click", () => begins(mode));
}

function wireEscalate(call, begin) {
  const open = onSend(at("escalate-dialog"), (way) => call("escalate", {
    reason: at("escalate-reason").value.trim(), told_caller: way === "agreed", note: { wants: at("escalate-wants").value.trim() },
  }));
  at("escalate").addEventListener("click", () => {
    const { escalation, notes } = begin();
    describeEscalation(escalation);
    at("escalate-reason").value = "";
    at("escalate-wants").value = notes.at(-1)?.wants ?? "";
    open();
    at("escalate-reason").focus();
  });
}

function wireVerify(call, begin) {
  const dialog = at("verify-dialog");
  const method = () => dialog.querySelector("[name=method]:checked").value;
  const open = onSend(dialog, (came) => call("verify", { method: method(), passed: came === "passed" }));
  at("verify").addEventListener("click", () => {
    begin();
    dialog.querySelector("form").reset();
    open();
    dialog.querySelector("[name=method]").focus();
  });
}

function wireRepeat(call, begin) {
  const open = onSend(at("repeat-dialog"), () => call("repeat", { why: at("repeat-why").value.trim() }));
  at("repeat").addEventListener("click", () => {
    begin();
    at("repeat-why").value = "";
    open();
    at("repeat-why").focus();
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
