// Colleagues who listen: whom the agent lets listen to their talk, and whose talk they hear themselves.

import { ask, at, attempt, capital, clockOf, make, redraw, show, turnClocks, write } from "./base.js";

// How often is asked who talks, while somebody could be listened to, in milliseconds.
const LOOK_EVERY = 5000;

let desk = null;
let talks = [];
let looks = null;
let before = null;

export function wireListening() {
  at("stop-listening").addEventListener("click", () => {
    // What ends by their own word is no news.
    const { listening_to: to } = desk;
    before = null;
    attempt(at("state-error"), () => ask("POST", `/api/v1/calls/${to.call}/listen`, { leave: true }));
  });
}

// Who asks to listen to this call, and who does: for whoever has the caller.
export function drawListeners({ role, phase, asks_to_listen: asks, listeners }, { act }) {
  const visible = role === "agent" && phase !== "ringing" && phase !== "wrap_up" && asks.length + listeners.length > 0;
  show(at("listeners-panel"), visible);
  const news = [...asks.map((who) => `${capital(who)} asks to listen.`), ...listeners.map((who) => `${capital(who)} listens.`)];
  write(at("listeners-news"), visible ? news.join(" ") : "");
  redraw(at("listeners"), [asks, listeners], () => [
    ...asks.map((who) => row(who, "asks to listen to this talk", [
      answer(who, true, "Let them listen", { act, main: true }), answer(who, false, "Not now", { act }),
    ])),
    ...listeners.map((who) => row(who, "listens, and is heard by nobody", [answer(who, false, "Send away", { act })])),
  ]);
}

const row = (who, what, buttons) => make("li", {},
  make("span", {}, make("b", {}, capital(who)), ` ${what}`),
  make("span", { class: "row" }, ...buttons));

const answer = (who, agreed, words, { act, main = false }) => make("button", {
  type: "button", class: main ? "main" : null, "aria-label": `${words}: ${who}`, onclick: () => act("let_listen", { who, agreed }),
}, words);

// To whom the agent listens, or else whose talks there are; both only while they take no calls.
export function drawListening(view, { me }) {
  desk = view;
  const { listening_to: to, state } = view;
  show(at("listening"), Boolean(to));
  if (to) drawMine(to);
  tellEnd(to);
  const may = !to && ["not_ready", "wrap_up"].includes(state);
  show(at("colleagues-card"), may);
  if (!may) talks = [];
  if (may !== Boolean(looks)) {
    clearInterval(looks);
    looks = may ? setInterval(() => look(me), LOOK_EVERY) : null;
    if (may) look(me);
  }
  drawColleagues();
}

function drawMine({ agent, phase, since }) {
  const who = capital(agent);
  write(at("listening-title"), { asking: `You have asked ${agent} whether you may listen`, let_in: `${who} lets you listen`, listening: `You listen to ${agent}` }[phase]);
  write(at("listening-words"), { asking: "They have half a minute to answer.", let_in: "Pick up your telephone.", listening: "Nobody hears you. Being ready ends it." }[phase]);
  write(at("stop-listening"), phase === "asking" ? "Take it back" : "Stop");
  redraw(at("listening-clock"), [since, phase], () => [clockOf({ "aria-label": "for" }, since)]);
}

// Says what became of it, when it is over without their own word.
function tellEnd(to) {
  const news = before && !to ? (before.phase === "listening" ? `You do not listen to ${before.agent} any more.` : `${capital(before.agent)} has not let you listen.`) : null;
  if (news || to) write(at("colleagues-news"), news ?? "");
  if (to) show(at("listening-error"), false);
  before = to;
}

async function look(me) {
  const { agents } = await ask("GET", "/api/v1/agents").catch(() => ({ agents: null }));
  if (!agents) return;
  talks = agents.filter(({ id, call }) => call !== null && id !== me);
  drawColleagues();
  turnClocks();
}

function drawColleagues() {
  const { learns_from: learns } = desk;
  show(at("colleagues-empty"), talks.length === 0);
  redraw(at("colleagues"), [talks, learns], () => talks.map(({ id, call, since }) => {
    const words = learns.includes(id) ? "Listen" : "Ask to listen";
    const asks = () => attempt(at("listening-error"), () => ask("POST", `/api/v1/calls/${call}/listen`, {}));
    return make("li", {},
      make("span", {}, make("b", {}, capital(id)), " talks for ", clockOf({}, since)),
      make("button", { type: "button", "aria-label": `${words}: ${id}`, onclick: asks }, words));
  }));
}
