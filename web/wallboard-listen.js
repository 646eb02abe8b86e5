// The supervisor's part in a talk: listening, whispering, joining in, taking it over. Their own phone is used if they have
// one signed in (a SIP phone, or the desk in another window); else this page is the phone for as long as they are in the
// talk.

import { Refusal, ask, at, attempt, capital, follow, make, redraw, show, showLevel, write } from "./base.js";
import { Leaving } from "./leaving.js";

const KEPT = "warmline.listening";
const UP_WITHIN = 15000;
// Whoever left may be back at once, as somebody else: who takes over leaves as a listener. In milliseconds.
const GONE_AFTER = 2000;
const MODES = { listen: "You listen to", whisper: "You whisper to", barge: "You talk with all:" };

let board = () => null;
let mine = null;
let phone = null;
let gone = null;
let asking = false;
// Whether the page is left for the desk, which takes the phone along.
let toDesk = false;
const leaving = new Leaving({ calls: missed });

export function wireListening(boardNow) {
  board = boardNow;
  for (const button of at("listening").querySelectorAll("[data-mode]")) {
    button.addEventListener("click", () => attempt(at("listening-error"), () => supervise(mine.call, button.dataset.mode)));
  }
  at("take-over-now").addEventListener("click", () => {
    const agent = talks()?.id;
    if (confirm(`Take this caller over? ${capital(agent ?? "Their agent")} goes to wrap-up.`)) attempt(at("listening-error"), () => takeOver(mine.call));
  });
  at("end-mine").addEventListener("click", () => attempt(at("listening-error"), () => ask("POST", `/api/v1/calls/${mine.call}/hang_up`, {})));
  at("to-desk").addEventListener("click", () => {
    if (!phone) return;
    toDesk = true;
    sessionStorage.removeItem(KEPT);
    sessionStorage.setItem("warmline.phone", "on");
  });
  // A refresh in a talk goes on by itself.
  if (sessionStorage.getItem(KEPT)) connect().then(leaveUnlessTalking).catch(() => {});
  at("mute-mine").addEventListener("click", () => {
    phone?.mute(!phone.muted);
    draw();
  });
  setInterval(measure, 100);
  addEventListener("signing-out", hangUp);
  follow("/api/v1/desk-view/events", "desk", take);
}

function take({ calls }) {
  const before = mine;
  mine = calls.find(({ role }) => role === "supervisor") ?? calls.find(({ role, phase }) => role === "agent" && phase !== "ringing") ?? null;
  if (before && phone && !isTalking()) leaveUnlessTalking();
  draw();
}

const isTalking = () => mine !== null && mine.phase !== "wrap_up";

// The call in which others would miss who leaves this page: callers hear them. Who listens or whispers may come and go.
function missed() {
  const heard = isTalking() && (mine.role === "agent" || mine.mode === "barge");
  return phone && heard && !toDesk ? [mine] : [];
}

// This page need not be a phone any more, unless the server says then that there is a talk.
function leaveUnlessTalking() {
  clearTimeout(gone);
  gone = setTimeout(async () => {
    await ask("GET", "/api/v1/desk-view").then(take).catch(() => {});
    if (!isTalking() && !asking) hangUp();
  }, GONE_AFTER);
}

// Takes part in a call in this way. Throws what the server refused.
export const supervise = (call, mode) => withPhone(["whisper", "barge"].includes(mode), () => ask("POST", `/api/v1/calls/${call}/supervise`, { mode }));

// Has the caller of a call, in place of their agent.
export const takeOver = (call) => withPhone(true, () => ask("POST", `/api/v1/calls/${call}/take_over`, {}));

// Asks for what needs a phone, and a microphone where they are to be heard; makes this page one when there is no other.
async function withPhone(heard, post) {
  clearTimeout(gone);
  asking = true;
  try {
    if (phone && heard) await openMicrophone();
    await post();
  } catch (refusal) {
    if (phone || !/^no phone/.test(refusal.message)) throw refusal;
    await connect();
    if (heard) await openMicrophone();
    await post();
  } finally {
    asking = false;
  }
}

function openMicrophone() {
  return phone.openMicrophone().catch(() => {
    throw new Refusal(null, { error: "this browser gives no microphone", hint: "plug one in, or allow it in the address bar; to listen you need none" });
  });
}

// Makes this page the phone; resolves once it is up.
async function connect() {
  const { Phone } = await import("./phone.js");
  phone = new Phone();
  // For tests, and for whoever looks from the console.
  window.phone = phone;
  const up = new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Refusal(null, { error: "the phone in this page did not come up", hint: "try again" })), UP_WITHIN);
    phone.addEventListener("error", ({ detail: { error, hint } }) => {
      write(at("listening-error"), new Refusal(null, { error, hint }).words);
      show(at("listening-error"), true);
    });
    phone.addEventListener("state", ({ detail: { state } }) => {
      if (state === "up" || state === "taken") clearTimeout(late);
      if (state === "up") resolve();
      if (state === "taken") phone = null;
      write(at("listening-phone"), { lost: "Connection lost, connecting again", connecting: "Connecting", taken: "Another window has the phone" }[state] ?? "");
    });
  });
  try {
    await Promise.all([phone.connect({ listens: true }), up]);
    sessionStorage.setItem(KEPT, "on");
  } catch (error) {
    hangUp();
    throw error instanceof Refusal ? error : new Refusal(null, { error: "the phone in this page could not be started", hint: "try again" });
  }
}

function hangUp() {
  sessionStorage.removeItem(KEPT);
  phone?.disconnect();
  phone = null;
}

// How loud they are, where somebody hears them.
function measure() {
  if (!phone || document.hidden || at("listening-voice").hidden) return;
  showLevel(at("my-level"), phone.levels().input ?? 0);
}

// The agent whose talk it is.
const talks = () => board()?.agents.find(({ call }) => call === mine.call);

function draw() {
  show(at("listening"), Boolean(mine));
  leaving.draw();
  if (!mine) return show(at("listening-error"), false);
  const caller = mine.caller.name || mine.caller.number || "a withheld number";
  const has = mine.role === "agent";
  const agent = has ? null : talks()?.id ?? "the agent";
  const over = mine.phase === "wrap_up";
  redraw(at("listening-title"), [mine.mode, agent, caller, over], () => (has
    ? [over ? "You have talked with " : "You have the caller: ", make("b", {}, caller)]
    : [`${MODES[mine.mode]} `, make("b", {}, capital(agent)), ` and ${caller}`]));
  show(at("listening-modes"), !has);
  show(at("listening-own"), has);
  show(at("listening-voice"), Boolean(phone) && !over && (has || mine.mode !== "listen"));
  at("mute-mine").setAttribute("aria-pressed", String(Boolean(phone?.muted)));
  write(at("mute-mine"), phone?.muted ? "Muted" : "Mute");
  show(at("end-mine"), !over);
  write(at("to-desk"), over ? "Say what came of it" : "Go on at the desk");
  for (const button of at("listening").querySelectorAll("[aria-pressed]")) {
    button.setAttribute("aria-pressed", String(button.dataset.mode === mine.mode));
  }
}
