// The history: calls that fit, and the story of one of them.

import { about, ask, at, attempt, capital, make, session, show, signIn, supervises, timeText, whenText, words, write } from "./base.js";
import { agentWords } from "./desk-verify.js";
import { drawGoals } from "./history-goals.js";
import { wireConformance } from "./history-conformance.js";
import { midnight } from "./history-days.js";
import { drawJudged, wireEvaluations } from "./history-evaluations.js";
import { wireService } from "./history-service.js";
import { drawNotes, drawReport, drawSurvey, holdWords } from "./history-talks.js";
import { drawTrends } from "./history-trends.js";

const who = await session();
let older = null;
let told = null;

if (who.name || who.local) begin();
else signIn(at("door"), "Sign in", "The history is for people of this contact center.");

async function begin() {
  for (const report of ["service", "goals", "trends", "report", "conformance"]) show(at(report), supervises(who) || who.local);
  wireService();
  wireConformance();
  wireEvaluations(who);
  show(at("page"), true);
  const { agents, queues, numbers } = await ask("GET", "/api/v1/center").catch(() => ({ agents: [], queues: [], numbers: [] }));
  at("agent").append(...agents.map((name) => make("option", {}, name)));
  at("queue").append(...queues.map((name) => make("option", {}, name)));
  at("dialled-numbers").append(...numbers.map(({ number }) => make("option", { value: number })));
  at("filters").addEventListener("submit", (event) => {
    event.preventDefault();
    if (at("number").value) location.hash = at("number").value;
    search();
  });
  at("filters").addEventListener("reset", () => setTimeout(search));
  at("more").addEventListener("click", () => search(older));
  at("calls").addEventListener("click", openByRow);
  at("all").addEventListener("change", drawLines);
  at("goals").addEventListener("toggle", () => at("goals").open && attempt(at("error"), drawGoals));
  at("trends").addEventListener("toggle", () => at("trends").open && attempt(at("error"), drawTrends));
  at("report").addEventListener("toggle", () => at("report").open && attempt(at("error"), drawReport));
  addEventListener("hashchange", () => tell(location.hash.slice(1)));
  await search();
  if (location.hash.length > 1) tell(location.hash.slice(1));
}

// A row is as good as the link in it, except where somebody marks its text.
function openByRow({ target }) {
  const line = target.closest("tr");
  if (line && !target.closest("a") && getSelection().isCollapsed) location.hash = line.dataset.call;
}

async function search(before = null) {
  const query = new URLSearchParams({ limit: "50" });
  if (at("since").value) query.set("since", midnight(at("since").value, 0));
  if (at("until").value) query.set("until", midnight(at("until").value, 1));
  for (const name of ["from", "agent", "outcome", "queue", "dialled"]) if (at(name).value.trim()) query.set(name, at(name).value.trim());
  if (before) query.set("before", before);
  await attempt(at("error"), async () => {
    const { calls, next_before } = await ask("GET", `/api/v1/calls?${query}`);
    older = next_before;
    const rows = calls.map(row);
    if (before) at("calls").append(...rows);
    else at("calls").replaceChildren(...rows);
    const shown = at("calls").childElementCount;
    write(at("count"), shown === 1 ? "1 call" : `${shown} calls${older ? ", and older ones" : ""}`);
    show(at("none"), shown === 0);
    show(at("more"), Boolean(older));
    mark();
  });
}

const outcomes = {
  talked: "talked", served: "served by the flow", left_in_flow: "left in the flow", abandoned: "abandoned", declined: "would not wait",
  unserved: "not served", callback_failed: "callback failed", refused: "refused", not_reached: "not reached", ended_by_operator: "ended by an operator", failed: "failed",
};
const good = new Set(["talked", "served"]);
const bad = new Set(["abandoned", "unserved", "callback_failed", "failed"]);

function outcomeTag(call) {
  if (!call.outcome) return make("span", { class: "tag busy" }, call.phase ? words(call.phase) : "up");
  const kind = good.has(call.outcome) ? "good" : bad.has(call.outcome) ? "bad" : "";
  return make("span", { class: `tag ${kind}` }, outcomes[call.outcome] ?? words(call.outcome));
}

function row(call) {
  const seconds = (value) => (value === null ? "" : about(value));
  return make("tr", { "data-call": call.id },
    make("td", {}, make("a", { href: `#${call.id}` }, whenText(call.arrived))),
    make("td", {}, call.customer_name ?? (call.from || "withheld"), call.customer_name ? make("div", { class: "small muted" }, call.from) : null),
    make("td", {}, call.queue ?? make("span", { class: "muted" }, call.to)),
    make("td", {}, call.agent ?? ""),
    make("td", { class: "number" }, seconds(call.waited_s)),
    make("td", { class: "number" }, seconds(call.talked_s)),
    make("td", {}, outcomeTag(call)));
}

function mark() {
  for (const line of at("calls").children) line.setAttribute("aria-selected", String(line.dataset.call === String(told?.call.id)));
}

async function tell(id) {
  // A place on the page, as "To the content" goes to.
  if (at(id)) return;
  if (!/^[0-9]+$/.test(id)) return tellNone(`A call has a number, which “${id}” is not.`);
  await attempt(at("error"), async () => {
    const found = await ask("GET", `/api/v1/calls/${id}`).catch((refusal) => {
      if (refusal.status !== 404) throw refusal;
      return null;
    });
    if (!found) return tellNone(`There is no call ${id}.`);
    told = found;
    const { call } = told;
    write(at("story-title"), `Call ${call.id}`);
    show(at("story-empty"), false);
    show(at("all-row"), true);
    const identity = { verified_by_pin: "verified by PIN", verified_by_birth_date: "verified by date of birth", verified_by_code: "verified by a code", failed: "not verified", locked_out: "account locked", no_input: "not verified", unavailable: "could not be checked", abandoned: "hung up meanwhile" };
    const facts = [
      ["Caller", [call.customer_name, call.from || "withheld"].filter(Boolean).join(", ")],
      ["Account", call.customer && `${call.customer} (${identity[call.identity] ?? "not verified"})`],
      ["Verified", call.verified_by_agent && `${call.verified_by_agent.passed ? "" : "not "}${agentWords(call.verified_by_agent)}`],
      ["Dialled", call.to],
      ["Queue", call.queue],
      ["Waited", call.waited_s === null ? null : `${about(call.waited_s)}${call.quote_s === null ? "" : `, promised ${about(call.quote_s)}`}`],
      ["Agent", call.agent],
      ["Talked", call.talked_s === null ? null : about(call.talked_s)],
      ["Held", holdWords(told.holds)],
    ].filter(([, value]) => value);
    at("story-facts").replaceChildren(...facts.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]), make("dt", {}, "Outcome"), make("dd", {}, outcomeTag(call)));
    drawSurvey(told);
    drawNotes(told);
    drawLines();
    mark();
    await drawJudged(told.call);
    at("story").focus({ preventScroll: innerWidth > 1100 });
  });
}

// There is no such call: nothing of the one before stays.
function tellNone(words) {
  told = null;
  write(at("story-title"), "A call's story");
  write(at("story-empty"), words);
  show(at("story-empty"), true);
  for (const part of ["all-row", "survey-title", "notes-title", "judged"]) show(at(part), false);
  for (const part of ["story-facts", "survey", "notes", "lines"]) at(part).replaceChildren();
  mark();
  at("story").focus({ preventScroll: innerWidth > 1100 });
}

const steps = new Set(["node_entered", "played", "left_out", "flow_started", "barged_in", "digit", "leg_opened", "leg_closed", "variable_set"]);

function drawLines() {
  if (!told) return;
  const shown = told.story.filter((_, place) => at("all").checked || !steps.has(told.facts[place]?.fact));
  at("lines").replaceChildren(...shown.map((line) => make("li", {}, make("time", { datetime: line.at }, timeText(line.at)), make("span", {}, capital(line.words)))));
}
