// What stands on the desk about the talk itself: the hold, who is consulted with which note, what was handed on.

import { about, at, capital, clock, clockOf, make, redraw, show, timeText, write } from "./base.js";

let over = null;

export function drawHold(call) {
  const { hold, asking, phase, role } = call;
  clearTimeout(over);
  const visible = role === "agent" && (phase === "holding" || phase === "asking_hold");
  show(at("hold-panel"), visible);
  if (!visible) return;
  const late = hold && (hold.alarm || Date.parse(hold.until) < clock());
  // It is over by the clock, whether or not anything else happens.
  if (hold && !late) over = setTimeout(() => drawHold(call), Date.parse(hold.until) - clock() + 20);
  at("hold-panel").className = `panel ${hold?.alarm || late ? "bad" : hold?.nudge ? "warn" : ""}`;
  const title = !hold ? "The caller is being asked" : late ? "You said you would be back by now" : hold.nudge ? "The hold is nearly over" : "The caller is on hold";
  write(at("hold-title"), title);
  write(at("hold-words"), hold ? hold.reason : `${asking?.reason ?? ""}, for ${about(asking?.quote_s ?? 0)}`);
  redraw(at("hold-clock"), [hold?.until, late], () => (!hold ? [] : late ? [clockOf({}, hold.until), " over"] : [clockOf({ title: "left" }, hold.until, "until")]));
  show(at("resume"), Boolean(hold));
  show(at("requote"), Boolean(hold) && !hold.alarm);
}

// The caller would not be held, and may be called back; somebody's own phone holds.
export function drawAway({ role, phase, offer_callback: offer, caller_away: caller, agent_away: agent }) {
  show(at("callback-panel"), role === "agent" && phase === "talking" && offer);
  const words = caller ? "The caller has put us on hold at their own phone. They hear nothing of ours; the clocks go on." : agent ? (role === "agent" ? "Your own telephone holds this call: take it back there." : "The agent's own telephone holds this call.") : "";
  show(at("away"), phase !== "wrap_up" && words !== "");
  write(at("away"), words);
}

export function noteView(note) {
  const rows = [["About", note.issue], ["Wants", note.wants], ["Tried", note.tried], ["Promised", note.promises]];
  const mood = note.mood === "calm" ? [] : [make("div", {}, make("span", { class: "tag warn plain" }, note.mood === "urgent" ? "in a hurry" : note.mood))];
  return [
    make("dl", { class: "note" }, ...rows.filter(([, text]) => text).map(([name, text]) => make("div", {}, make("dt", {}, name), make("dd", {}, text)))),
    ...mood,
    make("p", { class: "small muted" }, `${note.author}, ${timeText(note.written)}`),
  ];
}

// `atDesk`: whether this page is the phone, and can pick up.
export function drawConsult({ consult, role, phase }, { me, atDesk }) {
  show(at("consult-panel"), Boolean(consult));
  if (!consult) return;
  // Whoever was added before sees who is asked now.
  const receives = role === "consulted" && consult.with === me;
  write(at("consult-title"), receives ? `The note of ${consult.note.author}` : consult.adds ? `${capital(consult.with)} is asked to join` : `With ${consult.with}`);
  const named = {
    ringing: "rings", briefing: "reads the note", private: receives ? "you two talk alone" : "you two talk, the caller waits",
    caller: receives ? "talks with the caller" : "you talk with the caller", conference: "all three together",
  };
  const tag = consult.acknowledged || consult.phase === "ringing" ? named[consult.phase] : "note not acknowledged yet";
  write(at("consult-tag"), tag);
  at("consult-tag").className = `tag ${consult.acknowledged ? "good" : "warn"}`;
  redraw(at("consult-note"), consult.note, () => noteView(consult.note));
  const ready = consult.acknowledged && consult.phase !== "ringing";
  show(at("acknowledge"), receives && !consult.acknowledged);
  at("acknowledge").firstChild.data = phase === "ringing" && atDesk ? "I have read it, pick up " : "I have read it ";
  show(at("refuse-note"), receives && (phase === "ringing" || !consult.acknowledged));
  const sends = role === "agent";
  const leads = sends && !consult.adds;
  show(at("complete"), leads);
  // Paler until then, and never disabled: what the page knows may be a moment old, and the server says what is missing.
  at("complete").classList.toggle("early", !ready);
  show(at("join"), leads);
  at("join").classList.toggle("early", !ready || consult.phase === "conference");
  show(at("toggle"), leads);
  at("toggle").classList.toggle("early", consult.phase === "ringing" || consult.phase === "conference");
  show(at("amend"), sends);
  show(at("cancel"), sends);
  write(at("cancel"), consult.adds ? "Do not add them" : "End the consult");
}

// The notes with which the caller was handed on, once nobody is being consulted: the newest, and those before it.
export function drawNotes({ notes, consult, role, phase }, me) {
  const visible = notes.length > 0 && !consult && (role === "agent" || role === "consulted");
  show(at("notes-panel"), visible);
  if (!visible) return;
  const [newest, ...earlier] = [...notes].reverse();
  redraw(at("notes"), notes, () => [
    make("div", { class: "note" }, ...noteView(newest)),
    earlier.length === 0 ? "" : make("details", {},
      make("summary", { class: "small" }, earlier.length === 1 ? "The note before it" : `${earlier.length} notes before it`),
      ...earlier.map((note) => make("div", { class: "note" }, ...noteView(note)))),
  ]);
  // Whoever wrote it has told the caller's story themselves.
  show(at("repeat"), newest.author !== me && phase !== "wrap_up");
}
