// What every caller can be told for a while, such as a known outage, and how that is switched.

import { ask, at, attempt, make, redraw, show, whenText } from "./base.js";

let about = null;

// `changed` is told once one was switched.
export function wireAnnouncements(changed) {
  const dialog = at("announcement-dialog");
  dialog.querySelector("[value=close]").addEventListener("click", () => dialog.close());
  dialog.querySelector("form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const body = { why: at("announcement-why").value.trim() };
    if (!about.on) body.for_s = Number(at("announcement-for").value);
    const say = at("announcement-say").value.trim();
    if (!about.on && say) body.say = say;
    if (await attempt(dialog.querySelector(".error"), () => ask("PUT", `/api/v1/announcements/${encodeURIComponent(about.name)}`, body))) {
      dialog.close();
      changed();
    }
  });
}

function open(one) {
  about = { name: one.name, on: one.on_until !== null };
  at("announcement-dialog-title").textContent = `${about.on ? "Switch off" : "Switch on"} ${one.name}`;
  show(at("announcement-on"), !about.on);
  at("announcement-say").value = "";
  at("announcement-why").value = "";
  show(at("announcement-dialog").querySelector(".error"), false);
  at("announcement-dialog").showModal();
}

// Asks what is on, and draws it.
export async function drawAnnouncements(maySwitch) {
  const { announcements } = await ask("GET", "/api/v1/announcements");
  show(at("announcements-card"), announcements.length > 0);
  redraw(at("announcements"), announcements, () => announcements.map((one) => row(one, maySwitch)));
}

function row(one, maySwitch) {
  const act = one.on_until ? "Switch off…" : "Switch on…";
  return make("tr", {},
    make("th", { scope: "row" }, one.name),
    make("td", {}, make("span", { class: `tag ${one.on_until ? "warn" : ""}` }, one.on_until ? `on until ${whenText(one.on_until)}` : "off"),
      one.switched ? make("div", { class: "small muted" }, `by ${one.switched.by}, ${whenText(one.switched.at)}: ${one.switched.why}`) : null),
    make("td", {}, one.says.join(" ")),
    make("td", {}, maySwitch ? make("button", { class: "quiet", type: "button", "aria-label": `${act} ${one.name}`, onclick: () => open(one) }, act) : null));
}
