// The wallboard: what the server says, drawn anew whenever something happens. No figure is counted here.

import {
  about, at, capital, clock, clockOf, follow, make, redraw, session, setClock, show, signIn, stateTag,
  supervises, turnClocks, whenText, words, write,
} from "./base.js";
import { dayChart } from "./chart.js";
import { drawMessages } from "./messages.js";
import { promiseItem } from "./promises.js";
import { openAgent, openWait, wireActs } from "./wallboard-acts.js";
import { wireListening } from "./wallboard-listen.js";

// More queues than this are shown by their three main figures each, but for those with an alarm.
const WHOLE_QUEUES = 8;
const SOUND = "warmline.alarm-sound";

let board = null;
// The alarms that were told last.
let alarmed = null;
// The queues of many that somebody wants to see whole.
const opened = new Set();
const who = await session();
const mayAct = supervises(who);
if (who.name || who.local) begin();
else signIn(at("door"), "Sign in", "The wallboard is for people of this contact center.");

function begin() {
  write(at("act-hint"), mayAct ? "" : "Sign in as a supervisor to move callers, change agents' states and skills, listen in, or end a call.");
  follow("/api/v1/wallboard/events", "board", (next) => {
    setClock(next.now);
    board = next;
    draw();
    // With its figures, so that nothing jumps.
    show(at("page"), true);
  }, (gone) => show(at("cut-off"), gone));
  // A promise is broken by the clock, whether or not anything else happens.
  setInterval(() => board && drawWaiting(), 1000);
  at("alarm-sound").checked = localStorage.getItem(SOUND) === "on";
  at("alarm-sound").addEventListener("change", () => {
    localStorage.setItem(SOUND, at("alarm-sound").checked ? "on" : "off");
    if (at("alarm-sound").checked) sound();
  });
  wireActs();
  if (mayAct) wireListening(() => board);
}

function draw() {
  drawAlarms();
  drawStandbys();
  drawQueues();
  drawWaiting();
  drawAgents();
  drawPromises();
  lookForMessages();
  redraw(at("formulas"), board.formulas, () =>
    Object.entries(board.formulas).flatMap(([name, text]) => [make("dt", {}, capital(words(name))), make("dd", {}, text)]));
  turnClocks();
}

const percent = (value) => (value === null ? "–" : `${Math.round(value)} %`);

function drawAlarms() {
  const all = board.queues.flatMap(({ name, alarms }) => alarms.map((alarm) => `${capital(name)}: ${alarm}.`));
  all.unshift(...board.alarms.map((alarm) => `${capital(alarm)}.`));
  at("alarms").classList.toggle("error", all.length > 0);
  write(at("alarms"), all.join(" ") || "No alarms.");
  const title = `${all.length ? `(${all.length}) ` : ""}Wallboard · Warmline`;
  if (document.title !== title) document.title = title;
  // What was there when the page was opened is no news.
  const isNews = alarmed !== null && all.some((alarm) => !alarmed.includes(alarm));
  alarmed = all;
  if (isNews && at("alarm-sound").checked) sound();
}

// Two short tones. A page that nobody has touched may not play; whoever chose the sound has touched it.
function sound() {
  const context = new AudioContext();
  for (const [begins, pitch] of [[0, 880], [0.18, 660]]) {
    const [tone, volume] = [new OscillatorNode(context, { frequency: pitch }), new GainNode(context, { gain: 0.15 })];
    tone.connect(volume).connect(context.destination);
    tone.start(context.currentTime + begins);
    tone.stop(context.currentTime + begins + 0.14);
    tone.onended = () => begins && context.close();
  }
}

// Always there where there is to be a standby, so that one which goes moves nothing.
function drawStandbys() {
  show(at("standbys"), board.standbys !== null);
  redraw(at("standbys"), board.standbys, () => board.standbys?.length ? board.standbys.map(standbyItem) : [make("li", { class: "muted" }, "No standby.")]);
}

function standbyItem({ address, state, since, behind_s, files_differ, differing }) {
  const [kind, how] = {
    sending: ["warn", "is being sent what there is"],
    up_to_date: ["good", "could take over"],
    behind: ["bad", `${about(behind_s ?? 0)} behind`],
  }[state];
  const others = files_differ === 1 ? "another file" : `${files_differ} other files`;
  const more = files_differ > differing.length ? `, and ${files_differ - differing.length} more` : "";
  const files = files_differ ? [" and would serve ", make("span", { class: "tag warn" }, others), ` ${differing.join(", ")}${more}`] : [];
  return make("li", {}, `Standby ${address} `, make("span", { class: `tag ${kind}` }, how), state === "behind" ? null : ` since ${whenText(since)}`, ...files);
}

function drawQueues() {
  const many = board.queues.length > WHOLE_QUEUES;
  at("queues").classList.toggle("many", many);
  redraw(at("queues"), [board.queues, board.day_begins, [...opened]], () => board.queues.map((queue) => queueCard(queue, many)));
}

// One of many can be opened; one with an alarm is.
function moreButton({ name, alarms }) {
  if (alarms.length > 0) return null;
  const isOpen = opened.has(name);
  const turn = () => {
    if (!opened.delete(name)) opened.add(name);
    drawQueues();
  };
  return make("button", { class: "quiet more", type: "button", "data-key": `more ${name}`, "aria-label": `All of ${name}`, "aria-expanded": String(isOpen), onclick: turn }, isOpen ? "Less" : "More");
}

function queueCard(queue, many) {
  const { today } = queue;
  const level = today.service_level;
  const kind = level === null ? "" : level >= queue.goal_percent ? "good" : level >= queue.goal_percent - 15 ? "warn" : "bad";
  const risk = queue.at_risk ? make("span", { class: "bad" }, `, ${queue.at_risk} at risk`) : null;
  const figure = (value, ...name) => make("div", {}, make("span", { class: "big" }, value), make("span", {}, ...name));
  const longest = board.waiting.find((wait) => wait.queue === queue.name);
  const level_tag = make("span", { class: `tag ${kind}` }, `goal ${queue.goal_percent} % in ${queue.target_s} s`);
  const surge = queue.surge_since ? make("span", { class: "tag bad" }, "surge ", clockOf({}, queue.surge_since)) : null;
  return make("section", { class: `card queue ${queue.alarms.length ? "alarm" : ""}`, "aria-label": `Queue ${queue.name}` },
    make("header", {}, make("h2", {}, capital(queue.name)), surge, level_tag, many ? moreButton(queue) : null),
    make("div", { class: "trio" },
      figure(String(queue.waiting), "waiting", risk),
      figure(longest ? clockOf({}, longest.since) : "–", "longest wait"),
      figure(percent(level), "service level today")),
    ...(many && queue.alarms.length === 0 && !opened.has(queue.name) ? [] : rest(queue, board)));
}

// The other figures of a queue, and its day.
function rest(queue, board) {
  const { today, lately } = queue;
  return [
    make("div", { class: "trio small" },
      figure2(`${today.answered} of ${today.joined}`, today.unserved ? `answered today, ${today.unserved} not served` : "answered today"),
      figure2(percent(today.abandonment), `abandoned (${today.abandoned}, ${today.short_abandoned} at once)`),
      figure2(percent(lately.service_level), "service level lately")),
    make("div", { class: "trio small" },
      figure2(today.average_wait_s === null ? "–" : about(today.average_wait_s), "average wait"),
      figure2(today.answered + today.abandoned ? about(today.longest_wait_s) : "–", `longest wait today${today.within_180_s === null ? "" : `, ${percent(today.within_180_s)} in 180 s`}`),
      figure2(today.promises_kept + today.promises_broken ? `${today.promises_kept} of ${today.promises_kept + today.promises_broken}` : "–", "promises kept")),
    queue.messages.count ? make("p", { class: "small" }, make("span", { class: "tag warn" }, queue.messages.count === 1 ? "a message" : `${queue.messages.count} messages`), " the oldest since ", whenText(queue.messages.oldest)) : null,
    dayChart(queue, board),
  ];
}

const figure2 = (value, name) => make("div", {}, make("b", { class: "number" }, value), make("span", {}, name));

function drawWaiting() {
  const { waiting } = board;
  write(at("waiting-count"), waiting.length ? `${waiting.length} waiting` : "");
  show(at("nobody"), waiting.length === 0);
  const isLate = ({ promised }) => Boolean(promised) && Date.parse(promised) < clock();
  redraw(at("waiting"), [waiting, waiting.map(isLate)], () => waiting.map((wait) => {
    const late = isLate(wait);
    const promise = !wait.promised ? "–" : late ? make("span", { class: "tag bad" }, "broken") : make("span", wait.at_risk ? { class: "tag warn" } : {}, clockOf({}, wait.promised, "until"));
    const name = wait.from || "withheld";
    const act = mayAct ? make("button", { class: "quiet", type: "button", "data-key": `act ${wait.call}`, "aria-label": `Act on ${name}, ${wait.queue}`, onclick: () => openWait(board, wait.call) }, "Act") : null;
    const place = wait.first ? make("span", { class: "tag busy" }, "first") : wait.priority ? `priority ${wait.priority}` : null;
    return make("tr", {},
      make("td", {}, make("a", { href: `/history#${wait.call}`, "data-key": `story ${wait.call}` }, name), place ? " " : null, place),
      make("td", {}, wait.queue),
      make("td", { class: "number" }, clockOf({}, wait.since)),
      make("td", { class: "number" }, promise),
      make("td", {}, capital(wait.why)),
      make("td", {}, act));
  }));
}

let counted = "";

// The list is asked for when what the board counts is another; for whoever may hear them all.
function lookForMessages() {
  const count = JSON.stringify(board.queues.map(({ messages }) => messages));
  if (!mayAct || count === counted) return;
  counted = count;
  drawMessages().catch(() => (counted = ""));
}

function drawPromises() {
  const { open, overdue } = board.promises;
  show(at("promises-card"), overdue.length > 0);
  write(at("promises-count"), `${open} open in all`);
  redraw(at("promises"), overdue, () =>
    overdue.map((promise) => promiseItem(promise, { now: clock(), mine: mayAct, told: (whom, owner) => `to ${whom}, by ${owner}`, error: at("error") })));
}

function drawAgents() {
  const order = { talking: 0, ringing: 1, reserved: 2, ready: 3, wrap_up: 4, not_ready: 5, offline: 6 };
  const agents = [...board.agents].sort((a, b) => order[a.state] - order[b.state] || a.id.localeCompare(b.id));
  const count = (state) => agents.filter((agent) => agent.state === state).length;
  write(at("agents-count"), `${count("ready")} ready, ${count("talking")} talking, ${agents.length - count("offline")} signed in`);
  redraw(at("agents"), agents, () => agents.map((agent) => {
    const where = agent.call ? make("a", { href: `/history#${agent.call}`, "data-key": `story of ${agent.id}` }, agent.queue ?? "call") : null;
    const skills = agent.skills.map(({ skill, level }) => `${skill} ${level}`).join(", ");
    const button = mayAct ? make("button", { class: "quiet", type: "button", "aria-label": `Act on ${agent.id}`, onclick: () => openAgent(board, agent.id) }, "Act") : null;
    return make("tr", {},
      make("td", {}, make("b", {}, agent.id), make("div", { class: "small muted" }, [skills, agent.auto_answer_s === null ? "" : "calls are picked up for them"].filter(Boolean).join("; "))),
      make("td", {}, stateTag(agent.state, agent.reason), where ? " " : null, where),
      make("td", { class: "number" }, agent.state === "offline" ? "" : clockOf({}, agent.since)),
      make("td", {}, button));
  }));
}

// For tests: what is drawn is what was sent.
window.board = () => board;
