// The supervisor's part in a talk: listening, whispering, joining in. Their own phone is used if they have one signed in
// (a SIP phone, or the desk in another window); else this page is the phone for as long as they are in the talk.

import { ask, at, attempt, capital, follow, make, redraw, show, write } from "./base.js";

const KEPT = "warmline.listening";
const UP_WITHIN = 15000;
const MODES = { listen: "You listen to", whisper: "You whisper to", barge: "You talk with all:" };

let board = () => null;
let mine = null;
let phone = null;

export function wireListening(boardNow) {
  board = boardNow;
  for (const button of at("listening").querySelectorAll("[data-mode]")) {
    button.addEventListener("click", () => attempt(at("listening-error"), () => supervise(mine.call, button.dataset.mode)));
  }
  // A refresh in a talk goes on by itself.
  if (sessionStorage.getItem(KEPT)) connect().catch(() => {});
  addEventListener("signing-out", hangUp);
  follow("/api/v1/desk-view/events", "desk", ({ calls }) => {
    const before = mine;
    mine = calls.find(({ role }) => role === "supervisor") ?? null;
    if (before && !mine) hangUp();
    draw();
  });
}

// Takes part in a call in this way. Throws what the server refused.
export async function supervise(call, mode) {
  const post = () => ask("POST", `/api/v1/calls/${call}/supervise`, { mode });
  try {
    await post();
  } catch (refusal) {
    if (phone || !/^no phone/.test(refusal.message)) throw refusal;
    await connect();
    await post();
  }
}

// Makes this page the phone; resolves once it is up.
async function connect() {
  const { Phone } = await import("./phone.js");
  phone = new Phone();
  // For tests, and for whoever looks from the console.
  window.phone = phone;
  const up = new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error("the phone in this page did not come up")), UP_WITHIN);
    phone.addEventListener("state", ({ detail: { state } }) => {
      if (state === "up" || state === "taken") clearTimeout(late);
      if (state === "up") resolve();
      if (state === "taken") phone = null;
      write(at("listening-phone"), { lost: "Connection lost, connecting again", connecting: "Connecting", taken: "Another window has the phone" }[state] ?? "");
    });
  });
  try {
    await Promise.all([phone.connect(), up]);
    sessionStorage.setItem(KEPT, "on");
  } catch (error) {
    hangUp();
    throw error;
  }
}

function hangUp() {
  sessionStorage.removeItem(KEPT);
  phone?.disconnect();
  phone = null;
}

function draw() {
  show(at("listening"), Boolean(mine));
  if (!mine) return show(at("listening-error"), false);
  const agent = board()?.agents.find(({ call }) => call === mine.call)?.id;
  const caller = mine.caller.name || mine.caller.number || "a withheld number";
  redraw(at("listening-title"), [mine.mode, agent, caller], () => [`${MODES[mine.mode]} `, make("b", {}, capital(agent ?? "the agent")), ` and ${caller}`]);
  for (const button of at("listening").querySelectorAll("[aria-pressed]")) {
    button.setAttribute("aria-pressed", String(button.dataset.mode === mine.mode));
  }
}
