// What a supervisor does from the wallboard: with a caller who waits, and with an agent.
//
// A dialog shows what was there when it was opened, and asks for what the supervisor changed in it and nothing else:
// what others did meanwhile stays.

import { ask, at, attempt, capital, make, show, words } from "./base.js";
import { supervise, takeOver } from "./wallboard-listen.js";

let asked = null;

export function wireActs() {
  for (const dialog of [at("wait-dialog"), at("agent-dialog")]) {
    dialog.querySelector("[value=close]").addEventListener("click", () => dialog.close());
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog) dialog.close();
    });
  }
  wireWait();
  wireAgent();
}

// Does what a dialog asks for, one after the other; closes it when all was taken, else says in it what was not.
async function sending(dialog, acts) {
  const done = await attempt(dialog.querySelector(".error"), async () => {
    for (const act of acts) await act();
  });
  if (done) dialog.close();
}

export function openWait(board, call) {
  const wait = board.waiting.find((one) => one.call === call);
  if (!wait) return;
  const dialog = at("wait-dialog");
  asked = { call, queue: wait.queue, first: wait.first, priority: wait.own_priority };
  at("wait-title").textContent = wait.from || "Withheld number";
  at("wait-words").textContent = `${capital(wait.why)}.`;
  at("wait-queue").replaceChildren(...board.queues.map(({ name, waiting }) =>
    make("option", { value: name, selected: name === wait.queue }, `${name}, ${waiting} waiting`)));
  dialog.querySelector(`[name=place][value=${wait.first ? "first" : "own"}]`).checked = true;
  at("wait-priority").value = wait.own_priority;
  show(dialog.querySelector(".error"), false);
  dialog.showModal();
}

function wireWait() {
  const dialog = at("wait-dialog");
  const post = (what, body) => ask("POST", `/api/v1/calls/${asked.call}/${what}`, body);
  at("wait-priority").addEventListener("input", () => {
    dialog.querySelector("[name=place][value=own]").checked = true;
  });
  dialog.querySelector("form").addEventListener("submit", (event) => {
    event.preventDefault();
    const queue = at("wait-queue").value;
    const first = dialog.querySelector("[name=place]:checked").value === "first";
    const priority = Number(at("wait-priority").value);
    const acts = [];
    if (queue !== asked.queue) acts.push(() => post("move", { queue }));
    if (first && !asked.first) acts.push(() => post("prioritise", { first }));
    if (!first && (asked.first || priority !== asked.priority)) acts.push(() => post("prioritise", { priority }));
    sending(dialog, acts);
  });
  dialog.querySelector("[data-end]").addEventListener("click", () => {
    if (confirm("End this call? The caller is cut off.")) sending(dialog, [() => ask("POST", `/api/v1/calls/${asked.call}/end`)]);
  });
}

export function openAgent(board, id) {
  const agent = board.agents.find((one) => one.id === id);
  const dialog = at("agent-dialog");
  const level = (skill) => agent.skills.find((has) => has.skill === skill)?.level ?? 0;
  asked = { agent: id, call: agent.call, skills: Object.fromEntries(board.skills.map((skill) => [skill, level(skill)])) };
  at("agent-title").textContent = id;
  at("agent-words").textContent = `${capital(words(agent.state))}${agent.reason ? `: ${agent.reason}` : ""}. Who rings or talks becomes it after the call.`;
  at("agent-state").value = "";
  at("agent-reason").value = "";
  dialog.querySelector(".levels").replaceChildren(...board.skills.map((skill) =>
    make("label", {}, `${capital(words(skill))} `, make("input", {
      class: "short", type: "number", min: 0, max: 10, step: 1, required: true, value: level(skill), "data-skill": skill,
    }))));
  show(at("agent-call"), agent.state === "talking" && agent.call !== null);
  show(dialog.querySelector(".error"), false);
  dialog.showModal();
}

function wireAgent() {
  const dialog = at("agent-dialog");
  dialog.querySelector("form").addEventListener("submit", (event) => {
    event.preventDefault();
    const { agent, skills } = asked;
    const inputs = [...dialog.querySelectorAll("[data-skill]")].map((input) => [input.dataset.skill, Number(input.value)]);
    const acts = inputs.filter(([skill, level]) => level !== skills[skill]).map(([skill, level]) => () =>
      ask("PUT", `/api/v1/agents/${agent}/skills/${skill}`, { level }));
    const [state, reason] = [at("agent-state").value, at("agent-reason").value.trim()];
    if (state) acts.push(() => ask("PUT", `/api/v1/agents/${agent}/state`, { state, reason }));
    sending(dialog, acts);
  });
  for (const button of dialog.querySelectorAll("[data-mode]")) {
    button.addEventListener("click", () => sending(dialog, [() => supervise(asked.call, button.dataset.mode)]));
  }
  dialog.querySelector("[data-take-over]").addEventListener("click", () => {
    if (confirm(`Take this caller over? ${capital(asked.agent)} goes to wrap-up.`)) sending(dialog, [() => takeOver(asked.call)]);
  });
  dialog.querySelector("[data-end]").addEventListener("click", () => {
    if (confirm(`End ${asked.agent}'s call?`)) sending(dialog, [() => ask("POST", `/api/v1/calls/${asked.call}/end`)]);
  });
}
