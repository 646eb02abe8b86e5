// What every page needs: asking the server, its clock, who is signed in, and small helpers for the page.

export const at = (id) => document.getElementById(id);

// An answer that is no, in the server's own words.
export class Refusal extends Error {
  constructor(status, { error, hint }) {
    super(error);
    this.status = status;
    this.hint = hint ?? "";
  }

  get words() {
    return this.hint ? `${capital(this.message)}. ${capital(this.hint)}.` : `${capital(this.message)}.`;
  }
}

// An answer is waited for so long, in milliseconds: to a question, and to a wish, which the server refuses itself when it
// comes later than that.
const QUESTION_WITHIN = 20_000;
const WISH_WITHIN = 8000;

// Asks the server. Resolves with the answer, or throws a Refusal.
export async function ask(method, path, body) {
  const wish = method !== "GET";
  const options = { method, headers: { "X-Warmline": "1" }, signal: AbortSignal.timeout(wish ? WISH_WITHIN : QUESTION_WITHIN) };
  if (wish && isClockSet) options.headers["X-Warmline-Asked"] = Math.round(clock());
  if (body !== undefined) {
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  let response, text;
  try {
    response = await fetch(path, options);
    text = await response.text();
  } catch (error) {
    throw error.name === "TimeoutError" ? unanswered(wish) : new Refusal(0, { error: "it was not done: the server cannot be reached", hint: "try again" });
  }
  let answer = null;
  try {
    answer = text ? JSON.parse(text) : null;
  } catch {
    answer = { error: text.slice(0, 200) };
  }
  if (!response.ok) throw new Refusal(response.status, answer ?? { error: `status ${response.status}` });
  return answer;
}

function unanswered(wish) {
  if (!wish) return new Refusal(null, { error: `no answer within ${QUESTION_WITHIN / 1000} s`, hint: "try again" });
  const error = `no answer within ${WISH_WITHIN / 1000} s: it may or may not have been done`;
  return new Refusal(null, { error, hint: "look at what stands here once the server answers again" });
}

// The server's clock: the page's own may be wrong by hours.
let ahead = 0;
let isClockSet = false;

export function setClock(rfc3339) {
  isClockSet = true;
  ahead = Date.parse(rfc3339) - (performance.timeOrigin + performance.now());
}

export const clock = () => performance.timeOrigin + performance.now() + ahead;

// 0:07, 12:30, 1:02:03
export function length(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
  const two = (n) => String(n).padStart(2, "0");
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

// 40 s, 3 min, 1 h 20 min, 4 h
export function about(seconds) {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return whole % 60 && whole < 600 ? `${Math.floor(whole / 60)} min ${whole % 60} s` : `${Math.round(whole / 60)} min`;
  const [h, min] = [Math.floor(whole / 3600), Math.round((whole % 3600) / 60)];
  return min ? `${h} h ${min} min` : `${h} h`;
}

const timeOfDay = new Intl.DateTimeFormat([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const shortTime = new Intl.DateTimeFormat([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const dayAndTime = new Intl.DateTimeFormat([], {
  day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23",
});

const dayAlone = new Intl.DateTimeFormat([], { weekday: "short", day: "numeric", month: "short" });

export const dayText = (rfc3339) => dayAlone.format(new Date(rfc3339));
export const timeText = (rfc3339) => timeOfDay.format(new Date(rfc3339));
export const shortText = (rfc3339) => shortTime.format(new Date(rfc3339));

// The time alone today, with the day before that.
export function whenText(rfc3339) {
  const when = new Date(rfc3339);
  const today = when.toDateString() === new Date(clock()).toDateString();
  return today ? shortTime.format(when) : dayAndTime.format(when);
}

export const capital = (text) => (text ? text[0].toUpperCase() + text.slice(1) : text);

// not_ready: not ready
export const words = (name) => (name ?? "").replaceAll("_", " ");

// An element: make("p", {class: "muted"}, "text", child…). Values that start with "on" listen.
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

// Changes a text only when it is another one, so that readers aloud are not told the same twice.
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function show(element, visible) {
  if (element.hidden !== visible) return;
  const held = element.contains(document.activeElement);
  element.hidden = !visible;
  if (held && !visible) around(element)?.focus({ preventScroll: true });
}

// How loud somebody is at a microphone, 0 to 1: speech fills the bar.
export function showLevel(bar, heard) {
  const level = Math.min(1, heard * 1.6);
  bar.firstElementChild.style.transform = `scaleX(${level.toFixed(2)})`;
  bar.setAttribute("aria-valuenow", Math.round(level * 100));
}

// Replaces the children when what they are made from became another thing. Who is at one of them stays there, by its
// `data-key` where names need not differ.
export function redraw(element, from, draw) {
  const key = JSON.stringify(from);
  if (element.drawnFrom === key) return;
  element.drawnFrom = key;
  const held = element.contains(document.activeElement) ? document.activeElement : null;
  element.replaceChildren(...draw());
  if (held && held !== element) (likeness(element, held) ?? around(element))?.focus({ preventScroll: true });
}

function likeness(element, { dataset: { key }, ariaLabel }) {
  const [selector, is] = key ? ["[data-key]", (one) => one.dataset.key === key] : ["[aria-label]", (one) => one.ariaLabel === ariaLabel];
  return [...element.querySelectorAll(selector)].find(is);
}

// What stays when this goes: who was at it goes on from there, and not from the top of the page.
const around = (element) => element.parentElement?.closest("[tabindex], main");

// A dialog that was opened by a key goes back to nothing.
addEventListener("close", () => {
  if (document.activeElement === document.body) document.querySelector("article:not([hidden])[tabindex], main")?.focus({ preventScroll: true });
}, true);

// A clock on the page: counts up from `since`, or down to `until`.
export function clockOf(properties, moment, kind = "since") {
  return make("span", { class: "number", ...properties, [`data-${kind}`]: moment });
}

function turn(root = document) {
  // What is counted goes on only where the server can say that it does.
  if (document.body.classList.contains("cut-off")) return;
  const now = clock();
  for (const element of root.querySelectorAll("[data-since]")) {
    write(element, length((now - Date.parse(element.dataset.since)) / 1000));
  }
  for (const element of root.querySelectorAll("[data-until]")) {
    write(element, length((Date.parse(element.dataset.until) - now) / 1000 + 0.999));
  }
}

// Sets all clocks at once, after something was drawn.
export const turnClocks = () => turn();

setInterval(turn, 250);

// Nothing is heard for so long, in milliseconds, from a server that cannot be reached: it says every ten seconds that it is there.
const SILENT_FOR = 22_000;
// Who is refused asks again after so long.
const REFUSED_FOR = 3000;

// The ways to the server that are cut off just now.
const cutOff = new Set();

// Follows events of the server, and connects again by itself: a connection that is silent is dead, though the browser does
// not say so. `gone` is told whether they are cut off, and the page's clocks stand while they are.
export function follow(path, event, take, gone = null) {
  const way = {};
  let source = null;
  let heard = 0;
  // Whether this server says when nothing happens.
  let says = false;
  const isGone = (is) => {
    if (!gone) return;
    gone(is);
    setCutOff(way, is);
  };
  const hear = () => {
    heard = performance.now();
    isGone(false);
  };
  const open = () => {
    source?.close();
    const opened = (source = new EventSource(path));
    heard = performance.now();
    opened.addEventListener("alive", ({ data }) => {
      says = true;
      setClock(JSON.parse(data).now);
      hear();
    });
    opened.addEventListener(event, ({ data }) => {
      hear();
      take(JSON.parse(data));
    });
    opened.addEventListener("error", async () => {
      if (opened !== source) return;
      isGone(true);
      if (opened.readyState !== EventSource.CLOSED) return;
      // Refused, not cut off: the session may be over.
      const who = await ask("GET", "/api/v1/session").catch(() => null);
      if (who && !who.name && !who.local) location.reload();
      else setTimeout(() => opened === source && open(), REFUSED_FOR);
    });
  };
  open();
  setInterval(() => {
    if (!says || performance.now() - heard < SILENT_FOR) return;
    isGone(true);
    open();
  }, 1000);
  // What was on its way as the network went says nothing of whether it is back: only a new connection does.
  addEventListener("offline", () => {
    isGone(true);
    open();
  });
  addEventListener("online", open);
}

// What is counted stands still while a way is cut off. Once there is none, what was not done for that reason is no news.
function setCutOff(way, is) {
  const was = cutOff.size > 0;
  if (is) cutOff.add(way);
  else cutOff.delete(way);
  if (was === cutOff.size > 0) return;
  document.body.classList.toggle("cut-off", !was);
  if (!was) return;
  for (const place of document.querySelectorAll("[data-unreached]")) show(place, false);
  turn();
}

// Who is signed in: {name, role, local}. Fills the bar's right end.
export async function session() {
  const who = await ask("GET", "/api/v1/session").catch(() => ({ name: null, role: null, local: false }));
  const place = document.querySelector(".bar .who");
  if (place && who.name) {
    const leave = make("button", { class: "quiet", type: "button" }, "Sign out");
    leave.addEventListener("click", async () => {
      // A page that has something to lose asks first.
      if (!dispatchEvent(new Event("may-sign-out", { cancelable: true }))) return;
      dispatchEvent(new Event("signing-out"));
      await ask("DELETE", "/api/v1/session").catch(() => {});
      location.reload();
    });
    place.replaceChildren(make("span", {}, make("b", {}, who.name), make("span", { class: "muted" }, ` ${who.role}`)), leave);
  } else if (place) {
    const link = make("a", { href: "/desk" }, "Sign in");
    if (location.pathname !== "/desk") place.replaceChildren(link);
  }
  return who;
}

export const supervises = (who) => who.role === "supervisor" || who.role === "admin";

// Shows a form to sign in with in place of the page; the page is loaded anew once somebody is.
export function signIn(place, title, why) {
  const error = make("p", { class: "error", role: "alert", hidden: true });
  const name = make("input", { id: "name", name: "name", autocomplete: "username", autocapitalize: "none", spellcheck: "false", required: true });
  const password = make("input", { id: "password", name: "password", type: "password", autocomplete: "current-password", required: true });
  const button = make("button", { class: "main", type: "submit" }, "Sign in");
  const form = make(
    "form",
    { class: "card stack sign-in" },
    make("div", {}, make("h1", {}, title), make("p", { class: "muted" }, why)),
    make("div", {}, make("label", { for: "name" }, "Name"), name),
    make("div", {}, make("label", { for: "password" }, "Password"), password),
    error,
    button,
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    show(error, false);
    try {
      await ask("POST", "/api/v1/session", { name: name.value.trim(), password: password.value });
      location.reload();
    } catch (refusal) {
      error.textContent = refusal.words;
      show(error, true);
      button.disabled = false;
      password.value = "";
      password.focus();
    }
  });
  place.replaceChildren(form);
  name.focus();
}

// Makes an agent ready, or something else. What was refused is told beside the state.
export const setState = (agent, state, reason = "", errorPlace = at("state-error")) =>
  attempt(errorPlace, () => ask("PUT", `/api/v1/agents/${agent}/state`, { state, reason }));

// Runs something that asks the server, and tells what it refused where it happened.
export async function attempt(errorPlace, doing) {
  show(errorPlace, false);
  try {
    await doing();
    return true;
  } catch (refusal) {
    if (!(refusal instanceof Refusal)) throw refusal;
    errorPlace.textContent = refusal.words;
    errorPlace.toggleAttribute("data-unreached", refusal.status === 0);
    show(errorPlace, true);
    return false;
  }
}

export function stateTag(state, reason = "") {
  const kind = { ready: "good", reserved: "busy", ringing: "busy", talking: "busy", wrap_up: "warn", not_ready: "warn" }[state] ?? "";
  const text = { reserved: "Reserved for a callback", wrap_up: "Wrap-up" }[state] ?? capital(words(state));
  return make("span", { class: `tag ${kind}` }, reason ? `${text}: ${reason}` : text);
}
