// How callers were answered and how busy agents were: by queue, skill or agent, and interval.

import { about, ask, at, capital, dayText, make, show, whenText, write } from "./base.js";
import { daysOf, wireDays } from "./history-days.js";

// At most so many lines stand on the page; the table to take away has all of them.
const SHOWN = 1000;

export const wireService = () => wireDays("service", 7, drawService);

async function drawService() {
  const asked = daysOf("service");
  asked.set("by", at("service-by").value);
  if (at("service-every").value) asked.set("every", at("service-every").value);
  const report = await ask("GET", `/api/v1/reports/service?${asked}`);
  const { by, rows, formulas } = report;
  asked.set("format", "csv");
  at("service-csv").href = `/api/v1/reports/service?${asked}`;
  write(at("service-whose"), capital(by));
  const nobody = by === "skill" ? "no skill" : "nobody";
  // A whole day, or week, is told by its first day, today's as well.
  const begins = ["1d", "1w"].includes(report.every) ? dayText : whenText;
  const lines = rows.flatMap((row) => [line(make("th", { scope: "row" }, row.name ?? nobody), row, "whole"),
    ...row.intervals.map((part) => line(make("td", { class: "muted" }, begins(part.begins)), part))]);
  at("service-rows").replaceChildren(...lines.slice(0, SHOWN));
  const handled = rows.flatMap((row) => [[make("th", { scope: "row" }, row.name ?? nobody), row, "whole"],
    ...row.intervals.map((part) => [make("td", { class: "muted" }, begins(part.begins)), part])]).filter(([, one]) => one.handled);
  at("handling-rows").replaceChildren(...handled.slice(0, SHOWN).map((one) => handlingLine(...one)));
  write(at("handling-whose"), capital(by));
  show(at("handling"), handled.length > 0);
  show(at("service-none"), rows.length === 0);
  show(at("service-more"), lines.length > SHOWN);
  write(at("service-more"), `${lines.length - SHOWN} more lines are in the table to take away.`);
  const told = [["SL", formulas.service_level], ["SL of all", formulas.service_level_of_all], ["In 180 s", formulas.within_180_s], ["Waits", formulas.waits], ["Occupied", formulas.occupancy],
    ["AHT", formulas.handle_time], ["FCR", formulas.first_call_resolution], ["Settled", formulas.first_call_resolution_by_answer]];
  at("service-formulas").replaceChildren(...told.flatMap(([name, words]) => [make("dt", {}, name), make("dd", {}, words)]));
}

const percent = (value) => (value === null ? "" : `${value.toFixed(0)} %`);

// How long talks took stands beside whether they helped: shorter is not better.
function handlingLine(first, one, kind = "") {
  const seconds = (value) => (value === null ? "" : about(value));
  const share = (value, of) => (value === null ? "" : `${percent(value)} of ${of}`);
  const cells = [one.handled, seconds(one.average_handle_s), seconds(one.average_talk_s), seconds(one.average_hold_s), seconds(one.average_wrap_up_s),
    share(one.first_call_resolution, one.contacts), share(one.first_call_resolution_with_outcome, one.contacts_with_outcome),
    share(one.first_call_resolution_by_answer, one.contacts_with_answer)];
  return make("tr", { class: kind }, first, ...cells.map((cell) => make("td", { class: "number" }, String(cell))));
}

function line(first, one, kind = "") {
  const seconds = (value) => (value === null || (value === 0 && one.answered + one.abandoned === 0) ? "" : about(value));
  const cells = [one.joined, one.answered, percent(one.service_level), percent(one.service_level_of_all), percent(one.within_180_s), one.abandoned, one.unserved,
    seconds(one.average_wait_s), seconds(one.p90_wait_s), seconds(one.longest_wait_s), percent(one.occupancy)];
  return make("tr", { class: kind }, first, ...cells.map((cell) => make("td", { class: "number" }, String(cell))));
}
