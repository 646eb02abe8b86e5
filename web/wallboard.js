// The wallboard: what the server says, drawn anew whenever something happens. No figure is counted here.

import {
  about, ask, at, attempt, capital, clock, clockOf, follow, make, redraw, session, setClock, show, signIn, stateTag,
  supervises, turnClocks, words, write,
} from "./base.js";
import { dayChart } from "./chart.js";

let board = null;
const who = await session();
const mayAct = supervises(who);
if (who.name || who.local) begin();
else signIn(at("door"), "Sign in", "The wallboard is for people of this contact center.");

function begin() {
  show(at("page"), true);
  write(at("act-hint"), mayAct ? "" : "Sign in as a supervisor to change an agent's state, listen in, or end a call.");
  follow("/api/v1/wallboard/events", "board", (next) => {
    setClock(next.now);
    board = next;
    draw();
  }, (gone) => show(at("cut-off"), gone));
  wireAgent();
}

function draw() {
  drawAlarms();
  redraw(at("queues"), [board.queues, board.day_begins], () => board.queues.map(queueCard));
  drawWaiting();
  drawAgents();
  redraw(at("formulas"), board.formulas, () =>
    Object.entries(board.formulas).flatMap(([name, text]) => [
      make("dt", {}, name === "lately" ? "Lately" : capital(words(name))), make("dd", {}, text),
    ]));
  turnClocks();
}

const percent = (value) => (value === null ? "–" : `${Math.round(value)} %`);

function alarmsOf(queue) {
  const here = board.waiting.filter((wait) => wait.queue === queue.name);
  const broken = here.filter((wait) => wait.promised && Date.parse(wait.promised) < clock()).length;
  const alarms = [];
  if (broken) alarms.push(`${broken} promised ${broken === 1 ? "wait is" : "waits are"} broken`);
  if (here.some(({ why }) => why.includes("nobody with") || why.includes("no agent of"))) alarms.push("nobody is there who could help");
  return alarms;
}

function drawAlarms() {
  const all = board.queues.flatMap((queue) => alarmsOf(queue).map((alarm) => `${capital(queue.name)}: ${alarm}.`));
  show(at("alarms"), all.length > 0);
  write(at("alarms"), all.join(" "));
}

function queueCard(queue) {
  const { today, lately } = queue;
  const level = today.service_level;
  const kind = level === null ? "" : level >= queue.goal_percent ? "good" : level >= queue.goal_percent - 15 ? "warn" : "bad";
  const risk = queue.at_risk ? make("span", { class: "tag bad" }, `${queue.at_risk} at risk`) : null;
  const figure = (value, name, attributes = {}) => make("div", {}, make("span", { class: "big", ...attributes }, value), make("span", {}, name));
  const longest = board.waiting.find((wait) => wait.queue === queue.name);
  const level_tag = make("span", { class: `tag ${kind}` }, `goal ${queue.goal_percent} % in ${queue.target_s} s`);
  return make("section", { class: `card queue ${alarmsOf(queue).length ? "alarm" : ""}`, "aria-label": `Queue ${queue.name}` },
    make("header", {}, make("h2", {}, capital(queue.name)), make("span", { class: "row" }, risk, level_tag)),
    make("div", { class: "trio" },
      figure(String(queue.waiting), "waiting"),
      figure(longest ? clockOf({}, longest.since) : "–", "longest wait"),
      figure(percent(level), "service level today")),
    make("div", { class: "trio small" },
      figure2(`${today.answered} of ${today.joined}`, "answered today"),
      figure2(percent(today.abandonment), `abandoned (${today.abandoned}, ${today.short_abandoned} at once)`),
      figure2(percent(lately.service_level), "service level lately")),
    make("div", { class: "trio small" },
      figure2(today.average_wait_s === null ? "–" : about(today.average_wait_s), "average wait"),
      figure2(today.answered + today.abandoned ? about(today.longest_wait_s) : "–", "longest wait today"),
      figure2(today.promises_kept + today.promises_broken ? `${today.promises_kept} of ${today.promises_kept + today.promises_broken}` : "–", "promises kept")),
    dayChart(queue, board));
}

const figure2 = (value, name) => make("div", {}, make("b", { class: "number" }, value), make("span", {}, name));

function drawWaiting() {
  const { waiting } = board;
  write(at("waiting-count"), waiting.length ? `${waiting.length} waiting` : "");
  show(at("nobody"), waiting.length === 0);
  redraw(at("waiting"), waiting, () => waiting.map((wait) => {
    const late = wait.promised && Date.parse(wait.promised) < clock();
    const promise = !wait.promised ? "–" : late ? make("span", { class: "tag bad" }, "broken") : make("span", wait.at_risk ? { class: "tag warn" } : {}, clockOf({}, wait.promised, "until"));
    const end = mayAct ? make("button", { class: "quiet", type: "button", onclick: () => endCall(wait.call) }, "End") : null;
    return make("tr", {},
      make("td", {}, make("a", { href: `/history#${wait.call}` }, wait.from || "withheld"), wait.priority ? ` priority ${wait.priority}` : ""),
      make("td", {}, wait.queue),
      make("td", { class: "number" }, clockOf({}, wait.since)),
      make("td", { class: "number" }, promise),
      make("td", {}, capital(wait.why)),
      make("td", {}, end));
  }));
}

function drawAgents() {
  const order = { talking: 0, ringing: 1, ready: 2, wrap_up: 3, not_ready: 4, offline: 5 };
  const agents = [...board.agents].sort((a, b) => order[a.state] - order[b.state] || a.id.localeCompare(b.id));
  const count = (state) => agents.filter((agent) => agent.state === state).length;
  write(at("agents-count"), `${count("ready")} ready, ${count("talking")} talking, ${agents.length - count("offline")} signed in`);
  redraw(at("agents"), agents, () => agents.map((agent) => {
    const where = agent.call ? make("a", { href: `/history#${agent.call}` }, agent.queue ?? "call") : null;
    const skills = agent.skills.map(({ skill, level }) => `${skill} ${level}`).join(", ");
    const button = mayAct ? make("button", { class: "quiet", type: "button", "aria-label": `Act on ${agent.id}`, onclick: () => openAgent(agent.id) }, "Act") : null;
    return make("tr", {},
      make("td", {}, make("b", {}, agent.id), make("div", { class: "small muted" }, skills)),
      make("td", {}, stateTag(agent.state, agent.reason), where ? " " : null, where),
      make("td", { class: "number" }, agent.state === "offline" ? "" : clockOf({}, agent.since)),
      make("td", {}, button));
  }));
}

async function endCall(call) {
  if (confirm(`End call ${call}? The caller is cut off.`)) await attempt(at("error"), () => ask("POST", `/api/v1/calls/${call}/end`));
}

function openAgent(id) {
  const agent = board.agents.find((one) => one.id === id);
  const dialog = at("agent-dialog");
  dialog.dataset.agent = id;
  write(at("agent-title"), id);
  write(at("agent-words"), `${capital(words(agent.state))}${agent.reason ? `: ${agent.reason}` : ""}. Who rings or talks becomes it after the call.`);
  show(at("agent-call"), agent.state === "talking");
  show(dialog.querySelector(".error"), false);
  dialog.showModal();
}

function wireAgent() {
  const dialog = at("agent-dialog");
  const error = dialog.querySelector(".error");
  const agent = () => board.agents.find(({ id }) => id === dialog.dataset.agent);
  const doing = async (act) => {
    if (await attempt(error, act)) dialog.close();
  };
  dialog.querySelector("[value=close]").addEventListener("click", () => dialog.close());
  dialog.querySelector("form").addEventListener("submit", (event) => {
    event.preventDefault();
    const body = { state: at("agent-state").value, reason: at("agent-reason").value.trim() };
    doing(() => ask("PUT", `/api/v1/agents/${dialog.dataset.agent}/state`, body));
  });
  for (const button of dialog.querySelectorAll("[data-mode]")) {
    button.addEventListener("click", () => doing(() => ask("POST", `/api/v1/calls/${agent().call}/supervise`, { mode: button.dataset.mode })));
  }
  dialog.querySelector("[data-end]").addEventListener("click", () => {
    if (confirm(`End ${dialog.dataset.agent}'s call?`)) doing(() => ask("POST", `/api/v1/calls/${agent().call}/end`));
  });
}

// For tests: what is drawn is what was sent.
window.board = () => board;
