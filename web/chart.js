// The day of a queue as bars: answered, left and still waiting, by quarter of an hour.

import { shortText } from "./base.js";

const SVG = "http://www.w3.org/2000/svg";
const [WIDTH, HEIGHT, FOOT] = [320, 84, 16];
const DAY_S = 24 * 3600;

function part(tag, attributes, text) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

export function dayChart(queue, { day_begins, interval_s }) {
  const begins = Date.parse(day_begins);
  const place = (when) => (Date.parse(when) - begins) / 1000 / DAY_S;
  const left = (interval) => interval.abandoned + interval.unserved + interval.short_abandoned;
  const most = Math.max(0, ...queue.intervals.map((interval) => interval.joined));
  // One caller does not fill the day.
  const height = (count) => (count / Math.max(4, most)) * (HEIGHT - FOOT - 20);
  const { answered, joined } = queue.today;
  const svg = part("svg", { class: "chart", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `Today: ${joined} joined, ${answered} answered` });
  const wide = Math.max(2, (interval_s / DAY_S) * WIDTH - 0.6);
  for (const interval of queue.intervals) {
    const x = place(interval.begins) * WIDTH;
    const level = interval.service_level === null ? "" : `, service level ${Math.round(interval.service_level)} %`;
    const words = `${shortText(interval.begins)}: ${interval.joined} joined, ${interval.answered} answered${level}`;
    const group = part("g", {});
    group.append(part("title", {}, words));
    const waiting = interval.joined - interval.answered - left(interval);
    let foot = HEIGHT - FOOT;
    for (const [kind, count] of [["answered", interval.answered], ["left", left(interval)], ["waits", waiting]]) {
      if (count <= 0) continue;
      foot -= height(count);
      group.append(part("rect", { class: kind, x, y: foot, width: wide, height: height(count) }));
    }
    svg.append(group);
  }
  svg.append(part("line", { class: "axis", x1: 0, x2: WIDTH, y1: HEIGHT - FOOT, y2: HEIGHT - FOOT }));
  for (const hour of [0, 6, 12, 18]) {
    svg.append(part("text", { x: (hour / 24) * WIDTH, y: HEIGHT - 3 }, `${String(hour).padStart(2, "0")}:00`));
  }
  const words = queue.intervals.length ? `callers in ${interval_s / 60} minutes, ${most} at most` : "nobody has called today";
  svg.append(part("text", { x: 0, y: 10 }, words));
  return svg;
}
