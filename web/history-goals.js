// What the center's goals came to, in all and week by week.

import { about, ask, at, clock, make, show, words } from "./base.js";

// A day; of another year with the year.
export function dayText(moment) {
  const day = new Date(moment);
  const year = day.getFullYear() === new Date(clock()).getFullYear() ? {} : { year: "numeric" };
  return day.toLocaleDateString([], { ...year, month: "short", day: "numeric" });
}

// A goal is until the end of its last day.
const lastDay = (until) => (until === null ? "" : dayText(new Date(until).getTime() - 1));

// A figure in its unit.
export function valueText(value, unit) {
  if (value === null) return "";
  return unit === "percent" ? `${value} %` : unit === "seconds" ? about(value) : String(value);
}

const verdicts = { reached: ["good", "reached"], not_reached: ["bad", "not reached"], too_few: ["", "too few"] };

function verdictTag({ verdict }) {
  const [kind, text] = verdicts[verdict] ?? ["", words(verdict)];
  return make("span", { class: `tag ${kind}` }, text);
}

export async function drawGoals() {
  const { goals, formulas } = await ask("GET", "/api/v1/reports/goals");
  at("goal-rows").replaceChildren(...goals.flatMap((goal) => [goalLine(goal), ...goal.weeks.map((week) => weekLine(goal, week))]));
  show(at("goals-none"), goals.length === 0);
  const told = [["Actual", formulas.actual], ["So far", formulas.verdict]];
  at("goal-formulas").replaceChildren(...told.flatMap(([name, text]) => [make("dt", {}, name), make("dd", {}, text)]));
}

function goalLine(goal) {
  const bound = goal.at_least === null ? `at most ${valueText(goal.at_most, goal.unit)}` : `at least ${valueText(goal.at_least, goal.unit)}`;
  const name = make("th", { scope: "row" }, goal.name, goal.why ? make("div", { class: "small muted" }, goal.why) : null);
  const texts = [goal.queue ?? "the whole center", `${words(goal.figure)}${goal.question ? ` ${goal.question}` : ""} ${bound}`, dayText(goal.from), lastDay(goal.until)];
  const through = goal.stage === "coming" ? "to come" : goal.through === null ? "" : `${goal.through.toFixed(0)} %`;
  const numbers = [through, valueText(goal.actual, goal.unit), goal.count];
  return make("tr", { class: "whole" }, name, ...texts.map((text) => make("td", {}, text)), ...numbers.map((text) => make("td", { class: "number" }, String(text))), make("td", {}, verdictTag(goal)));
}

function weekLine(goal, week) {
  const blank = () => make("td", {});
  const numbers = [valueText(week.actual, goal.unit), week.count];
  return make("tr", {}, make("td", { class: "muted" }, "week"), blank(), blank(), make("td", { class: "muted" }, dayText(week.begins)), blank(), blank(),
    ...numbers.map((text) => make("td", { class: "number" }, String(text))), make("td", {}, verdictTag(week)));
}
