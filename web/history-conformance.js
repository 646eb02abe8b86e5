// How often talks kept the rules that facts judge, by agent or queue, and which talks did not.

import { ask, at, attempt, capital, make, show, whenText, words, write } from "./base.js";
import { daysOf, wireDays } from "./history-days.js";

const deviates = { more_often: ["good", "more often than others"], less_often: ["bad", "less often than others"] };

export const wireConformance = () => wireDays("conformance", 30, drawConformance);

async function drawConformance() {
  const asked = daysOf("conformance");
  asked.set("by", at("conformance-by").value);
  const { by, center, rows, formulas } = await ask("GET", `/api/v1/reports/conformance?${asked}`);
  asked.set("format", "csv");
  at("conformance-csv").href = `/api/v1/reports/conformance?${asked}`;
  const number = (text) => make("th", { scope: "col", class: "number" }, text);
  at("conformance-head").replaceChildren(make("th", { scope: "col" }, capital(by)), number("Talks"), ...center.rules.map((rule) => number(capital(rule.words))));
  const name = (row) => (by === "agent" ? capital(row.name) : row.name ?? "no queue");
  const line = (row, title, whose, kind = "") => make("tr", { class: kind }, make("th", { scope: "row" }, title), make("td", { class: "number" }, String(row.talks)),
    ...row.rules.map((rule) => make("td", { class: "number" }, cell(rule, title, whose))));
  at("conformance-rows").replaceChildren(...rows.map((row) => line(row, name(row), { [by]: row.name ?? "" })), ...(rows.length ? [line(center, "In all", {}, "whole")] : []));
  show(at("conformance-table"), rows.length > 0);
  show(at("conformance-none"), rows.length === 0);
  show(at("broken"), false);
  const told = [["Kept", formulas.kept], ...(by === "agent" ? [["Marked", formulas.deviates]] : [])];
  at("conformance-formulas").replaceChildren(...told.flatMap(([term, text]) => [make("dt", {}, term), make("dd", {}, text)]));
}

// A share and of how many talks; where one broke the rule, a button that names them.
function cell(rule, title, whose) {
  if (!rule.applied) return null;
  const [kind, meaning] = deviates[rule.deviates] ?? ["", null];
  const share = `${rule.share.toFixed(0)} %`;
  const others = rule.others === null ? "" : `, others ${rule.others.toFixed(0)} %`;
  const text = [kind ? make("span", { class: `tag ${kind}` }, share) : share, make("span", { class: "small muted" }, `of ${rule.applied}`)];
  const label = `${title}, ${rule.words}: ${share} of ${rule.applied}${others}${meaning ? `, ${meaning}` : ""}`;
  if (rule.kept === rule.applied) return make("span", { title: label }, ...text);
  const broke = rule.applied - rule.kept;
  return make("button", { type: "button", class: "quiet", title: label, "aria-label": `${label}; show the ${broke === 1 ? "one" : broke} that broke it`,
    onclick: () => attempt(at("error"), () => drawBroken(rule, title, whose)) }, ...text);
}

async function drawBroken(rule, title, whose) {
  const asked = daysOf("conformance");
  for (const [name, value] of Object.entries({ rule: rule.rule, ...whose })) asked.set(name, value);
  const { talks, more } = await ask("GET", `/api/v1/reports/conformance/broken?${asked}`);
  write(at("broken-title"), `${title}, not ${words(rule.words)}`);
  at("broken-talks").replaceChildren(...talks.map((talk) => make("tr", {}, make("th", { scope: "row" }, make("a", { href: `#${talk.call}` }, `Call ${talk.call}`)),
    ...[whenText(talk.arrived), capital(talk.agent), talk.queue ?? ""].map((text) => make("td", {}, text)))));
  show(at("broken-more"), more);
  show(at("broken"), true);
  at("broken-title").focus();
}
