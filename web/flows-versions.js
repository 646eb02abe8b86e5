// Which version of the flow files serves, which one is tried on some, how calls come out with each, and who changed what.

import { about as length, ask, at, attempt, capital, make, redraw, show, whenText, words, write } from "./base.js";

// What a call may come to, and whether more of it is better.
const ROWS = [
  ["reached_person", "Reached a person"],
  ["served", "Served by the flow"],
  ["left_in_flow", "Hung up in the flow"],
  ["no_input", "Keyed nothing in time"],
  ["no_match", "Keyed what was no choice"],
  ["failed", "Met something that failed"],
];

const short = (version) => make("code", {}, version.slice(0, 12));

export function wireVersions(mayChange) {
  const dialog = at("version-dialog");
  let path = "";
  dialog.querySelector("[value=close]").addEventListener("click", () => dialog.close());
  dialog.querySelector("form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const why = at("version-why").value.trim();
    if (await attempt(dialog.querySelector(".error"), () => ask("POST", `/api/v1/flows/${path}`, { why }))) {
      dialog.close();
      drawVersions(mayChange);
    }
  });
  for (const [id, wanted, title] of [["promote", "promote", "Serve the tried version to all"], ["end-canary", "rollback", "Stop trying it"], ["roll-back", "rollback", "Go back to the version before"]]) {
    at(id).addEventListener("click", () => {
      path = wanted;
      write(at("version-dialog-title"), title);
      at("version-why").value = "";
      show(dialog.querySelector(".error"), false);
      dialog.showModal();
    });
  }
}

// Asks what is served, and draws it.
export async function drawVersions(mayChange) {
  const { version, since, by, why, canary, outcomes, changes } = await ask("GET", "/api/v1/flows/versions");
  redraw(at("serving"), [version, since], () => [short(version), ` serves${canary ? " all others" : ""} since ${whenText(since)}, by ${by}`, why ? `: ${why}` : ""]);
  show(at("canary"), Boolean(canary));
  redraw(at("canary-words"), canary, () => {
    at("outcomes").open = Boolean(canary);
    return canary ? [short(canary.version), ` is tried on ${canary.audience} since ${whenText(canary.since)}, by ${canary.by}`, canary.why ? `: ${canary.why}` : ""] : [];
  });
  drawOutcomes(outcomes);
  show(at("promote"), mayChange);
  show(at("end-canary"), mayChange);
  show(at("roll-back"), mayChange && !canary && changes.some(({ before }) => before));
  redraw(at("version-changes"), changes, () => changes.map((change) => make("li", {},
    make("time", { datetime: change.at }, whenText(change.at)),
    make("span", {}, `${capital(words(change.did))} `, short(change.version), change.audience ? ` on ${change.audience}` : "", `, by ${change.by}`, change.why ? `: ${change.why}` : "",
      ...change.changes.map((line) => make("div", { class: "muted" }, line))))));
}

// Both versions side by side: of how many calls, and in which share of them.
function drawOutcomes({ since, counted_from: from, versions }) {
  show(at("outcomes"), versions.length > 0);
  write(at("outcomes-since"), `Calls that began since ${from === "trial" ? "the trial began" : "the server's start"}, ${whenText(since)}.`);
  const shown = versions.slice(-2);
  const share = (count, calls) => (calls ? `${count} (${Math.round((100 * count) / calls)} %)` : String(count));
  redraw(at("outcomes-head"), shown, () => [make("th", { scope: "col" }, "Outcome"), ...shown.map(({ version, canary }) => make("th", { scope: "col", class: "number" }, short(version), canary ? " tried" : ""))]);
  redraw(at("outcomes-rows"), shown, () => [
    make("tr", {}, make("th", { scope: "row" }, "Calls"), ...shown.map(({ calls }) => make("td", { class: "number" }, String(calls)))),
    ...ROWS.map(([name, title]) => make("tr", {}, make("th", { scope: "row" }, title), ...shown.map((one) => make("td", { class: "number" }, share(one[name], one.calls))))),
    make("tr", {}, make("th", { scope: "row" }, "In the flow, on average"), ...shown.map(({ in_flow_s: s }) => make("td", { class: "number" }, s === null ? "–" : length(s)))),
  ]);
}
