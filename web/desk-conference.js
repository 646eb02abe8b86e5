// Who is in a talk of more than two, and how they are heard.

import { at, capital, clockOf, make, redraw, show, write } from "./base.js";

const STEP_DB = 3;
const MOST_DB = 20;
// What the server calls the caller here.
const CALLER = "caller";

export function drawConference(call, { me, act }) {
  const { phase, consult, members, role } = call;
  const visible = phase === "conference";
  show(at("conference-panel"), visible);
  if (!visible) return;
  const leads = role === "agent";
  const joined = consult && !consult.adds ? [{ who: consult.with }] : [];
  const there = [
    { who: CALLER, name: call.caller.name || call.caller.number || "Withheld number", gain_db: call.caller.gain_db },
    { who: call.agent ?? me },
    ...joined,
    ...members,
  ];
  write(at("conference-title"), `In the talk: ${there.length}`);
  redraw(at("members"), [there, leads], () => there.map((one) => row(one, { me, leads, act })));
  show(at("add"), leads && !consult?.adds);
  show(at("leave"), leads && members.length > 0 && !consult);
}

function row({ who, name, since, muted, gain_db }, { me, leads, act }) {
  const member = since !== undefined;
  const shown = name ?? capital(who);
  const tag = who === me ? "you" : who === CALLER ? "the caller" : "";
  const loudness = gain_db === undefined ? null : make("span", { class: "number small muted" }, `${gain_db > 0 ? "+" : gain_db < 0 ? "−" : ""}${Math.abs(gain_db)} dB`);
  const louder = (step, sign, word) => make("button", {
    type: "button", class: "quiet", "aria-label": `${shown} ${word}`, title: word,
    onclick: () => act("gain", { who, gain_db: Math.max(-MOST_DB, Math.min(MOST_DB, gain_db + step)) }),
  }, sign);
  return make("li", {},
    make("div", { class: "who" }, make("b", {}, shown), " ",
      tag ? make("span", { class: "small muted" }, `${tag} `) : null,
      member ? make("span", { class: "small muted" }, "for ", clockOf({}, since), " ") : null,
      muted ? make("span", { class: "tag warn plain" }, who === me ? "nobody hears you" : "muted") : null),
    leads && loudness ? make("span", { class: "gain" }, louder(-STEP_DB, "−", "quieter"), loudness, louder(STEP_DB, "+", "louder")) : null,
    leads && member ? make("span", { class: "row" },
      make("button", { type: "button", class: "quiet", "aria-label": `Mute ${shown}`, "aria-pressed": String(muted), onclick: () => act("mute", { who, on: !muted }) }, "Mute"),
      make("button", { type: "button", class: "quiet", "aria-label": `Let go of ${shown}`, onclick: () => act("drop", { who }) }, "Let go")) : null);
}
