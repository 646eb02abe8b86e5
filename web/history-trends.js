// Each queue's last whole week beside those before it.

import { ask, at, capital, make, show, words } from "./base.js";
import { dayText, valueText } from "./history-goals.js";

const turns = { better: "good", worse: "bad", other: "warn" };
const changes = { up: "up", down: "down", as_before: "as before", too_few: "too few" };

export async function drawTrends() {
  const { queues, formulas } = await ask("GET", "/api/v1/reports/trends");
  const lines = queues.flatMap(({ queue, figures }) => figures.filter((one) => one.week_count || one.before_count).map((one) => line(queue, one)));
  at("trend-rows").replaceChildren(...lines);
  show(at("trends-none"), lines.length === 0);
  const meanings = queues.filter((queue) => queue.words);
  at("trend-words").replaceChildren(...meanings.map((queue) => make("li", {}, make("span", { class: "tag warn plain" }, queue.queue), ` ${capital(queue.words)}`)));
  show(at("trend-words"), meanings.length > 0);
  const told = [["Week", formulas.weeks], ["Is", formulas.change]];
  at("trend-formulas").replaceChildren(...told.flatMap(([name, text]) => [make("dt", {}, name), make("dd", {}, text)]));
}

function line(queue, one) {
  const texts = [`${words(one.figure)}${one.question ? ` ${one.question}` : ""}`, dayText(one.week_begins)];
  const numbers = [valueText(one.week, one.unit), one.week_count, valueText(one.before, one.unit), one.before_count, one.times_chance ?? ""];
  return make("tr", {}, make("th", { scope: "row" }, queue), ...texts.map((text) => make("td", {}, text)), ...numbers.map((text) => make("td", { class: "number" }, String(text))),
    make("td", {}, make("span", { class: `tag ${turns[one.turn] ?? ""}` }, changes[one.change] ?? words(one.change))));
}
