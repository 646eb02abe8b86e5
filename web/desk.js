// The desk: follows what the server says stands on it, and asks for what the agent wants.

import {
  about, ask, at, attempt, capital, clock, clockOf, follow, length, make, redraw, session, setClock, setState, show, signIn,
  timeText, turnClocks, whenText, words, write,
} from "./base.js";
import { wireCalling } from "./desk-call.js";
import { drawConference } from "./desk-conference.js";
import { wireDialogs } from "./desk-dialogs.js";
import { drawEscalation } from "./desk-escalation.js";
import { wireShortcuts } from "./desk-keys.js";
import { announce, closeIdleDialogs, wireNews } from "./desk-news.js";
import { Leaving } from "./leaving.js";
import { drawMisrouted } from "./desk-misrouted.js";
import { drawListeners, drawListening, wireListening } from "./desk-listening.js";
import { Audio } from "./desk-phone.js";
import { SpokenNote } from "./desk-spoken.js";
import { drawAway, drawConsult, drawHold, drawNotes } from "./desk-talk.js";
import { WrapUp } from "./desk-wrap-up.js";
import { isUnsettled, verifiedWords } from "./desk-verify.js";
import { whereHeard } from "./desk-window.js";
import { drawMessages } from "./messages.js";
import { promiseItem } from "./promises.js";

// How much longer a held caller is told it takes, by one click.
const REQUOTE_S = 60;

// Messages are looked for when the agent is something else, and every so often, in milliseconds: they are no calls.
const MESSAGES_AFTER = 3000;
const MESSAGES_EVERY = 60_000;

let looks = null;
let desk = null;
let chosen = null;
// The calls that can be looked at: those on the desk, and those whose outcome is not saved yet.
let calls = [];

const who = await session();
if (who.name) begin();
else signIn(at("door"), "Sign in", "Your name and password at this contact center.");

const wrapUp = who.name ? new WrapUp({ agent: who.name, changed: draw, ready: beReady }) : null;
const leaving = new Leaving({ calls: callsHere });
const audio = who.name ? new Audio({ changed: draw, mayStop: () => leaving.mayGo("stop using this page as your phone") }) : null;
const spokenNote = who.name ? new SpokenNote({ current, level: () => audio.level }) : null;

function lookForMessages(after) {
  clearTimeout(looks);
  looks = setTimeout(() => {
    drawMessages().catch(() => {});
    lookForMessages(MESSAGES_EVERY);
  }, after);
}

function begin() {
  lookForMessages(0);
  follow("/api/v1/desk-view/events", "desk", (view) => {
    setClock(view.now);
    if (desk?.state !== view.state) lookForMessages(MESSAGES_AFTER);
    desk = view;
    draw();
    // With what stands on it, so that nothing jumps.
    show(at("page"), true);
  }, (gone) => show(at("cut-off"), gone));
  wireButtons();
  wireShortcuts({ current, shut: () => {
    wrapUp.shut();
    draw();
  } });
}

// The call that the card shows: the one that was chosen, or the one that needs the agent most.
function current() {
  const rank = { ringing: 0, wrap_up: 2 };
  const first = [...calls].sort((a, b) => (rank[a.phase] ?? 1) - (rank[b.phase] ?? 1))[0];
  return calls.find(({ call }) => call === chosen) ?? first ?? null;
}

// Who is to be ready and has no phone takes this page as one: the browser asks for the microphone.
function beReady(errorPlace) {
  const wish = () => ask("PUT", `/api/v1/agents/${who.name}/state`, { state: "ready" });
  return attempt(errorPlace, async () => {
    await wish().catch(async (refusal) => {
      if (!/^no phone/.test(refusal.message) || !(await audio.takeUp())) throw refusal;
      await wish();
    });
  });
}

// What this page's phone has, or rings for: over once the page is left.
function callsHere() {
  return audio?.isOn ? (desk?.calls ?? []).filter(({ phase }) => phase !== "wrap_up") : [];
}

const act = (what, body = {}) => attempt(at("call-error"), () => ask("POST", `/api/v1/calls/${current().call}/${what}`, body));

function draw() {
  if (!desk) return;
  calls = wrapUp.calls(desk.calls);
  const call = current();
  drawState();
  drawChips(call);
  show(at("idle"), !call);
  show(at("call"), Boolean(call));
  if (call) drawCall(call);
  drawBefore(call);
  drawListening(desk, { me: who.name });
  drawPromises(desk.promises);
  if (audio?.isCalled(desk)) closeIdleDialogs();
  drawTitle(call);
  leaving.draw();
  audio?.follows(desk);
  turnClocks();
}

function drawState() {
  const named = { ready: "Ready", not_ready: "Not ready", offline: "Offline", reserved: "A customer is being called back for you", ringing: "Ringing", talking: "In a call", wrap_up: "Wrap-up" };
  const state = named[desk.state] ?? "Signed in";
  write(at("state"), desk.reason ? `${state}: ${desk.reason}` : state);
  redraw(at("state-clock"), [desk.state, desk.since, desk.until], stateClock);
  const { next } = desk;
  show(at("next"), Boolean(next));
  if (next) write(at("next"), `then ${words(next.state)}${next.reason ? `: ${next.reason}` : ""}`);
  const takes = desk.state !== null;
  show(at("states"), takes);
  // Never disabled: what the page knows may be a moment old, and a wish counts.
  at("ready").setAttribute("aria-pressed", String(desk.state === "ready" && !next));
  // What they are already, or will be after this call, is nothing to be done next.
  at("ready").classList.toggle("main", ["not_ready", "offline"].includes(desk.state));
  const phone = audio?.words ?? "No phone in this page";
  write(at("phone-state"), phone);
  at("phone-state").className = `tag ${audio?.kind ?? "plain"}`;
  write(at("idle-title"), { ready: "Ready", reserved: "A customer is being called back", not_ready: "You are not ready", offline: "You are offline" }[desk.state] ?? "No call");
  write(at("idle-words"), {
    ready: "The next call comes to you, with who calls and why.",
    reserved: "They are yours once they pick up. If they do not, the next call comes to you.",
    not_ready: "No call comes until you are ready again.",
    offline: "Be ready, and this page is your phone, unless a SIP phone of yours is signed in.",
  }[desk.state] ?? "Calls that you are part of stand here.");
}

// How long it lasts already, or still where that is known.
function stateClock() {
  const { state, since, until } = desk;
  if (until && state === "wrap_up") return ["ends in ", clockOf({}, until, "until")];
  if (until && state === "ringing") return ["for ", clockOf({}, until, "until"), " more"];
  return since ? ["for ", clockOf({}, since)] : [];
}

function drawChips(call) {
  show(at("chips"), calls.length > 1);
  const doing = ({ call: id, phase }) => (wrapUp.isUnsaved(id) ? "not saved" : words(phase));
  redraw(at("chips"), [calls.map((one) => [one.call, doing(one), one.caller]), call?.call], () =>
    calls.map((one) => {
      const name = one.caller.name || one.caller.number || "a withheld number";
      const chip = make("button", { type: "button", "aria-pressed": String(one.call === call?.call) }, `${name}, ${doing(one)}`);
      chip.addEventListener("click", () => {
        chosen = one.call;
        draw();
      });
      return chip;
    }));
}

function doingWords(call) {
  const { role, phase, consult, members } = call;
  if (role === "supervisor") return `You ${call.mode === "barge" ? "talk with all" : call.mode === "whisper" ? "whisper to the agent" : "listen"}`;
  if (role === "consulted" && phase === "ringing") return `${consult?.note.author ?? "A colleague"} asks ${consult?.adds ? "you to join a talk" : "for your help"}`;
  if (role === "consulted" && consult?.adds && phase === "talking") return "You are asked to join the talk with";
  return {
    ringing: role === "called" ? "Calls you" : call.direction === "inbound" ? "Rings for you" : "Your phone rings first, for",
    whisper: "Listen, then you have",
    calling_out: "Calling",
    talking: "You talk with",
    asking_hold: "Is being asked to hold",
    holding: "On hold",
    consulting: role === "consulted" ? "You are consulted about" : "Consulting about",
    conference: members.length === 0 ? "All three together" : `${members.length + 2 + (consult && !consult.adds ? 1 : 0)} of you talk with each other`,
    wrap_up: "Wrap-up after",
  }[phase];
}

function drawCall(call) {
  const { caller, phase, role } = call;
  write(at("doing"), doingWords(call));
  write(at("caller"), caller.name || caller.number || "Withheld number");
  const more = [caller.name && caller.number, caller.account && `account ${caller.account}`];
  write(at("caller-more"), more.filter(Boolean).join(" · "));
  at("call").classList.toggle("rings", phase === "ringing");
  redraw(at("call-clock"), [call.call, call.since], () => [clockOf({ "aria-label": "for" }, call.since)]);
  drawFacts(call);
  const rings = phase === "ringing";
  show(at("pick-up-row"), rings);
  const byPage = audio?.isUp;
  show(at("pick-up"), rings && Boolean(byPage) && (role !== "consulted" || call.consult?.acknowledged));
  show(at("decline"), rings && Boolean(byPage) && role !== "consulted");
  const byHand = role === "consulted" && !call.consult?.acknowledged
    ? "Read the note below and acknowledge it; then you can pick up."
    : ringsWhere();
  const byItself = audio?.takesByItself(desk, call) ? "It is picked up for you: speak after the tone." : "";
  write(at("pick-up-words"), rings && (!byPage || (role === "consulted" && !call.consult?.acknowledged)) ? byHand : byItself);
  show(at("owed-panel"), call.owed.length > 0);
  redraw(at("owed"), call.owed, () =>
    call.owed.map((promise) => promiseItem(promise, { now: clock(), mine: promise.owner === who.name, told: (_, owner) => `by ${owner}`, error: at("call-error") })));
  drawElsewhere(call);
  drawRecording(call);
  drawHold(call);
  drawAway(call);
  drawConsult(call, { me: who.name, atDesk: Boolean(byPage) });
  spokenNote.draw(call, Boolean(byPage));
  drawConference(call, { me: who.name, act });
  drawListeners(call, { act });
  drawJoined(call);
  drawNotes(call, who.name);
  drawEscalation(call, { me: who.name });
  const talks = ["calling_out", "talking", "asking_hold", "holding", "consulting", "conference"].includes(phase);
  show(at("actions"), talks || phase === "whisper");
  const mine = role === "agent";
  show(at("mute"), talks && Boolean(byPage));
  at("mute").setAttribute("aria-pressed", String(Boolean(audio?.isMuted)));
  show(at("muted"), talks && Boolean(byPage) && audio.isMuted);
  const aside = Boolean(call.consult);
  show(at("hold"), mine && (phase === "talking" || (phase === "conference" && !aside)));
  show(at("consult"), mine && !aside && (phase === "talking" || phase === "holding") && call.members.length === 0);
  show(at("verify"), mine && isUnsettled(call));
  show(at("keypad"), mine && talks);
  show(at("outcome"), mine && talks);
  drawSupervision(call);
  drawMisrouted(call);
  wrapUp.draw(call, desk);
  redraw(at("timeline"), call.timeline, () =>
    [...call.timeline].reverse().map(({ at: when, text }) =>
      make("li", {}, make("time", { datetime: when }, timeText(when)), make("span", {}, capital(text)))));
}

// Supervisors who are heard: by the agent alone, or by everybody.
function drawJoined({ supervisors, phase }) {
  const told = supervisors.map(({ name, mode }) => (mode === "barge" ? `${capital(name)} has joined in: all hear them.` : `${capital(name)} whispers: you alone hear them.`));
  show(at("joined"), phase !== "wrap_up" && told.length > 0);
  write(at("joined"), told.join(" "));
}

function drawElsewhere(call) {
  const told = whereHeard({ call, desk, isOn: Boolean(audio?.isOn), wasTaken: Boolean(audio?.wasTaken) });
  write(at("elsewhere-title"), told?.title ?? "");
  write(at("elsewhere-words"), told?.words ?? "");
  show(at("elsewhere-panel"), Boolean(told));
}

// What is not picked up in this page is picked up where it rings, if it rings anywhere.
function ringsWhere() {
  if (desk.telephones > 0) return "Your telephone rings: pick up there.";
  if (audio?.isOn) return "This page is not connected as your phone just now: it connects again by itself.";
  if (desk.page === "up") return "It rings in another window of yours: pick up there.";
  return "You have no phone that rings: use this page as your phone, and pick up.";
}

function drawSupervision({ role, mode }) {
  show(at("supervise"), role === "supervisor");
  for (const button of at("supervise").querySelectorAll("[aria-pressed]")) {
    button.setAttribute("aria-pressed", String(button.dataset.mode === mode));
  }
}

function drawFacts(call) {
  const waited = call.waited_s !== null ? about(call.waited_s) : call.waiting_since;
  const promise = call.quoted_s === null ? "" : `${about(call.quoted_s)}${call.waited_s === null ? "" : call.waited_s <= call.quoted_s ? ", kept" : ", broken"}`;
  const facts = [
    ["Verified", verifiedWords(call), call.level > 0 ? "good" : "bad"],
    ["Queue", call.queue],
    ["Chose", call.chose.join(", ")],
    ["Waited", waited],
    ["Promised", promise],
    ...call.collected.map(({ name, value }) => [capital(words(name)), value]),
  ].filter(([, value]) => value);
  redraw(at("facts"), facts, () =>
    facts.map(([name, value, kind]) =>
      make("div", {}, make("dt", {}, name),
        make("dd", { class: kind }, name === "Waited" && call.waited_s === null ? clockOf({}, value) : value))));
}

function drawRecording({ recording, role, phase }) {
  const pause = recording?.pause ?? null;
  show(at("recording"), Boolean(recording));
  at("recording").className = `tag ${pause ? "warn" : "bad"}`;
  redraw(at("recording"), recording, () => {
    if (pause) return [`Recording paused: ${pause.reason}, goes on in `, clockOf({}, pause.until, "until")];
    return recording ? [`Recorded since ${timeText(recording.since)}`] : [];
  });
  const may = role === "agent" && Boolean(recording) && phase !== "wrap_up";
  show(at("pause"), may && !pause);
  show(at("record"), may && Boolean(pause));
}

function drawBefore(call) {
  const before = call?.before ?? [];
  const last = before.find(({ note }) => note) ?? null;
  show(at("last-note"), Boolean(last));
  redraw(at("last-note"), last, () => (last
    ? [make("b", {}, "The last note"), make("span", {}, last.note), make("span", { class: "muted" }, [last.agent, whenText(last.at)].filter(Boolean).join(", "))]
    : []));
  show(at("before-empty"), before.length === 0);
  write(at("before-empty"), call ? "The first call of this caller, as far as we know." : "The caller's last calls and notes stand here when a call comes.");
  redraw(at("before"), before, () =>
    before.map(({ call: id, at: when, queue, agent, outcome, note }) =>
      make("li", {},
        make("div", { class: "row spread" }, make("b", {}, capital(outcome)), make("a", { href: `/history#${id}`, target: "_blank", rel: "noopener" }, whenText(when))),
        make("div", { class: "muted" }, [queue, agent && `with ${agent}`].filter(Boolean).join(", ")),
        note && note !== last?.note ? make("div", {}, note) : null)));
}

function drawPromises(promises) {
  const pressing = promises.filter(({ state, reminded }) => state === "overdue" || reminded);
  const late = pressing.some(({ state }) => state === "overdue");
  show(at("promises-due"), pressing.length > 0);
  at("promises-due").className = `tag ${late ? "bad" : "warn"}`;
  const many = pressing.length === 1 ? "A promise" : `${pressing.length} promises`;
  write(at("promises-due"), pressing.length ? `${many} of yours ${late ? "overdue" : "soon due"}` : "");
  show(at("promises-card"), promises.length > 0);
  redraw(at("promises-mine"), promises, () =>
    promises.map((promise) => promiseItem(promise, { now: clock(), mine: true, told: (whom) => `to ${whom}`, error: at("promises-error") })));
}

let announced = "";

function drawTitle(call) {
  const name = call ? call.caller.name || call.caller.number || "a withheld number" : "";
  const title = call?.phase === "ringing" ? `● ${name} calls` : call ? `${name}` : capital(words(desk.state ?? "desk"));
  if (document.title !== `${title} · Warmline`) document.title = `${title} · Warmline`;
  const news = call ? `${doingWords(call)} ${name}` : "";
  if (news !== announced) {
    announced = news;
    if (news) announce(news);
  }
}

function wireButtons() {
  at("ready").addEventListener("click", () => beReady(at("state-error")));
  at("not-ready").addEventListener("click", () => setState(who.name, "not_ready", at("reason").value));
  at("take-back").addEventListener("click", () => audio.takeUp());
  at("pick-up").addEventListener("click", () => audio.pickUp(current().call));
  at("decline").addEventListener("click", () => audio.reject(current().call));
  at("mute").addEventListener("click", () => audio.toggleMute());
  at("resume").addEventListener("click", () => act("resume"));
  at("call-back").addEventListener("click", () => act("call_back", { agreed: true, in_s: Number(at("callback-in").value) }));
  at("requote").addEventListener("click", () => act("hold", { requote_s: REQUOTE_S }));
  at("record").addEventListener("click", () => act("record", { do: "resume" }));
  at("toggle").addEventListener("click", () => act("toggle"));
  at("join").addEventListener("click", () => act("join"));
  at("complete").addEventListener("click", () => act("complete"));
  at("cancel").addEventListener("click", () => act("cancel"));
  at("leave").addEventListener("click", () => act("complete"));
  at("quote").addEventListener("click", () => act("promise", { level: current().escalation.level }));
  at("take-over").addEventListener("click", () => {
    if (confirm("Take this caller over? Their agent goes to wrap-up.")) act("take_over");
  });
  at("acknowledge").addEventListener("click", async () => {
    const call = current();
    // Who has read the note takes the call in the same step, when it rings here.
    if ((await act("acknowledge")) && call.phase === "ringing" && audio.isUp) audio.pickUp(call.call);
  });
  at("refuse-note").addEventListener("click", () => act("decline", { reason: "cannot take it now" }));
  at("hang-up").addEventListener("click", async () => {
    if (current().role === "supervisor") await act("supervise", { mode: "leave" });
    else await act("hang_up");
  });
  for (const button of at("supervise").querySelectorAll("[data-mode]")) {
    button.addEventListener("click", () => act("supervise", { mode: button.dataset.mode }));
  }
  at("outcome").addEventListener("click", () => {
    wrapUp.open(current().call);
    draw();
    at("wrap-up").querySelector("input").focus();
  });
  wireDialogs({ current, act: (what, body) => act(what, body), agent: who.name });
  wireListening();
  wireNews();
  wireCalling({ agent: who.name, atDesk: () => Boolean(audio?.isUp) });
}

// For tests, and for whoever looks from the console.
window.desk = { view: () => desk, length };
