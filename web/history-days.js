// The days that a report of the history page is asked for.

import { at, attempt, clock } from "./base.js";

const day = (moment) => `${moment.getFullYear()}-${String(moment.getMonth() + 1).padStart(2, "0")}-${String(moment.getDate()).padStart(2, "0")}`;

// A report's section that asks for days, so many of the last at first: it is drawn when it opens, and when somebody asks.
export function wireDays(name, many, drawReport) {
  const today = new Date(clock());
  at(`${name}-until`).value = day(today);
  at(`${name}-from`).value = day(new Date(today.getFullYear(), today.getMonth(), today.getDate() - many + 1));
  const draw = () => attempt(at("error"), drawReport);
  at(name).addEventListener("toggle", () => at(name).open && draw());
  at(`${name}-ask`).addEventListener("submit", (event) => {
    event.preventDefault();
    draw();
  });
}

// When a day begins by this browser's calendar, or one so many days later.
export function midnight(text, later) {
  const [year, month, date] = text.split("-").map(Number);
  return new Date(year, month - 1, date + later).toISOString();
}

// The days that it asks for: whole ones of this browser's calendar.
export function daysOf(name) {
  const asked = new URLSearchParams();
  if (at(`${name}-from`).value) asked.set("from", midnight(at(`${name}-from`).value, 0));
  if (at(`${name}-until`).value) asked.set("until", midnight(at(`${name}-until`).value, 1));
  return asked;
}
