// What talks came to: a call's notes, holds and answers in its story, and the report of all of them.

import { about, ask, at, capital, make, redraw, show, timeText, words, write } from "./base.js";

const moods = { worried: "worried", angry: "angry", urgent: "in a hurry" };

// Whoever a note was for: an agent, a queue, a number.
const whom = (to) => to.agent ?? (to.queue ? `queue ${to.queue}` : to.number);

// How a held call was held, in a few words; nothing when it was not, and nobody was asked.
export function holdWords({ held, total_s: total, longest_s: longest, late, refused, overridden, abandoned }) {
  const times = held === 1 ? `once, for ${about(total)}` : `${held} times, for ${about(total)} in all, ${about(longest)} at the longest`;
  return [held ? times : null, late ? `${late === 1 ? "once" : `${late} times`} longer than told` : null, refused ? `refused ${refused === 1 ? "once" : `${refused} times`}` : null,
    overridden ? `${overridden === 1 ? "once" : `${overridden} times`} without asking` : null, abandoned ? "hung up on hold" : null].filter(Boolean).join(", ");
}

// What a caller had behind them who was asked: waits and holds in seconds, and how often they were handed on.
function effortWords({ after, up_to: most }) {
  if (after === "handovers") return ["Not handed on", "Handed on once"][most] ?? "Handed on more often";
  const verb = after === "wait_s" ? "Waited" : "Held";
  if (most === null) return `${verb} longer`;
  return most === 0 ? `Not ${verb.toLowerCase()}` : `${verb} up to ${about(most)}`;
}

// The chain of notes with which the caller was handed on, and what they had to tell again.
export function drawNotes({ notes, repeated }) {
  show(at("notes-title"), notes.length > 0);
  redraw(at("notes"), [notes, repeated], () => [...notes.map(noteItem), ...repeated.map(({ by, at: when, why }) =>
    make("li", {}, make("span", { class: "tag warn plain" }, "told again"), ` ${capital(by)} had to ask again at ${timeText(when)}${why ? `: ${why}` : ""}`))]);
}

function noteItem(told) {
  const { note, amends, acknowledged_by: knows, declined_by: declined, ended } = told;
  const became = knows ? ["good", `${knows} knew it at ${timeText(told.acknowledged)}`]
    : declined ? ["warn", `${declined} declined it${told.declined_why ? `: ${told.declined_why}` : ""}`]
      : ["", ended ? words(ended) : told.rang ? `rang at ${told.rang}` : "nobody has read it"];
  const rows = [["About", note.issue], ["Wants", note.wants], ["Tried", note.tried], ["Promised", note.promises], ["Mood", moods[note.mood]]];
  return make("li", { class: "stack" },
    make("div", { class: "row spread" },
      make("span", {}, make("b", {}, capital(told.author)), amends ? " changed it" : ` to ${whom(told.to)}`, `, ${timeText(told.written)}`, told.spoken_s ? `, and said it in ${about(told.spoken_s)}` : ""),
      make("span", { class: `tag ${became[0]}` }, became[1])),
    make("dl", { class: "note" }, ...rows.filter(([, text]) => text).map(([name, text]) => make("div", {}, make("dt", {}, name), make("dd", {}, text)))));
}

// What the caller answered after their talks.
export function drawSurvey({ survey }) {
  show(at("survey-title"), survey.length > 0);
  redraw(at("survey"), survey, () => survey.flatMap(({ question, answer, agent, settled, at: when }) => [make("dt", {}, words(question)),
    make("dd", {}, make("b", {}, String(answer)), `${settled === null ? "" : settled ? ", settled" : ", not settled"}${agent ? `, about ${agent}` : ""}, ${timeText(when)}`)]));
}

// What became of the calls to each number; how long callers are in the flow stands beside whether it helped them.
async function drawNumbers() {
  const { numbers, formulas } = await ask("GET", "/api/v1/reports/numbers");
  const cells = (one) => [one.calls, one.self_served, one.came_again, `${one.containment.toFixed(0)} %`, one.person, one.messages, one.left_in_flow, one.abandoned,
    one.unserved, one.other, one.average_in_flow_s === null ? "" : about(one.average_in_flow_s)];
  at("numbers").replaceChildren(...numbers.map((one) => make("tr", {}, make("th", { scope: "row" }, one.number),
    ...cells(one).map((value) => make("td", { class: "number" }, String(value))))));
  show(at("numbers-none"), numbers.length === 0);
  show(at("numbers-formulas"), numbers.length > 0);
  at("numbers-formulas").replaceChildren(...[["Contained", formulas.containment], ["In the flow", formulas.in_flow]].flatMap(([name, text]) => [make("dt", {}, name), make("dd", {}, text)]));
}

// What callers keyed at the menus: where they gave up, and where they looked for a person.
async function drawMenus() {
  const { menus, formulas } = await ask("GET", "/api/v1/reports/menus");
  const cells = (one) => [one.came, one.chose, one.gave_up, one.hung_up, one.no_input, one.no_match, one.zero_outs, one.average_s === null ? "" : about(one.average_s)];
  at("menus").replaceChildren(...menus.map((one) => make("tr", {}, make("th", { scope: "row" }, `${words(one.flow)}: ${words(one.node)}`),
    ...cells(one).map((value) => make("td", { class: "number" }, String(value))))));
  show(at("menus-none"), menus.length === 0);
  show(at("menus-formulas"), menus.length > 0);
  at("menus-formulas").replaceChildren(...[["Came", formulas.came], ["Keys", formulas.keys], ["Zero", formulas.zero_outs]].flatMap(([name, text]) => [make("dt", {}, name), make("dd", {}, text)]));
}

// Which routes led callers to the wrong queue, those that did so most often first.
async function drawRoutes() {
  const { routes, formulas } = await ask("GET", "/api/v1/reports/misrouted");
  const ways = { flow: "no choice", handed_on: "handed on", moved: "moved by a supervisor" };
  const way = ({ chose, way: by }) => (chose ? `${words(chose.flow)}, ${words(chose.node)}: ${words(chose.choice)}` : ways[by]);
  const belongs = (one) => one.belongs.map(({ queue, times }) => `${queue ?? "not said"} ${times}`).join(", ");
  at("routes").replaceChildren(...routes.map((one) => make("tr", {}, make("th", { scope: "row" }, one.entry), make("td", {}, way(one)), make("td", {}, one.queue),
    ...[one.talks, one.misrouted, `${one.share.toFixed(0)} %`].map((value) => make("td", { class: "number" }, String(value))), make("td", {}, belongs(one)))));
  show(at("routes-none"), routes.length === 0);
  show(at("routes-formulas"), routes.length > 0);
  at("routes-formulas").replaceChildren(...[["By", formulas.route], ["Wrong queue", formulas.misrouted]].flatMap(([name, text]) => [make("dt", {}, name), make("dd", {}, text)]));
}

// What became of calls; holds by queue and agent, what callers answered, and the ways on which callers were handed on: of the last 30 days.
export async function drawReport() {
  await drawNumbers();
  await drawMenus();
  await drawRoutes();
  const { queues, agents, handovers } = await ask("GET", "/api/v1/reports/talks");
  const row = (name, one) => make("tr", {}, make("th", { scope: "row" }, name),
    ...[String(one.held), about(one.total_s), about(one.longest_s), one.late, one.refused, one.overridden, one.abandoned].map((value) => make("td", { class: "number" }, String(value))));
  at("holds").replaceChildren(...queues.map((one) => row(one.queue ?? "no queue", one)), ...agents.map((one) => row(capital(one.agent), one)));
  show(at("holds-none"), queues.length === 0 && agents.length === 0);
  at("handovers").replaceChildren(...handovers.map(({ queue, from, to, warm, blind, repeats }) => make("tr", {},
    make("th", { scope: "row" }, `${capital(from)} to ${whom(to)}`), make("td", {}, queue ?? ""),
    ...[warm, blind, repeats].map((value) => make("td", { class: "number" }, String(value))))));
  show(at("handovers-none"), handovers.length === 0);
  const surveys = await ask("GET", "/api/v1/reports/surveys");
  const answers = (name, { question, answers: count, mean }) => make("tr", {}, make("th", { scope: "row" }, name), make("td", {}, words(question)),
    ...[count, mean.toFixed(2)].map((value) => make("td", { class: "number" }, String(value))));
  at("answers").replaceChildren(...surveys.queues.map((one) => answers(one.queue ?? "no queue", one)),
    ...surveys.agents.map((one) => answers(one.agent ? capital(one.agent) : "nobody", one)),
    ...surveys.efforts.map((one) => answers(effortWords(one), one)));
  show(at("answers-none"), surveys.queues.length === 0 && surveys.agents.length === 0);
}
