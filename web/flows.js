// The flows: drawn by the server, with who is where now.

import { about as length, ask, at, attempt, follow, make, redraw, session, show, signIn, supervises, whenText, words, write } from "./base.js";
import { drawAnnouncements, wireAnnouncements } from "./flows-announcements.js";
import { drawVersions, wireVersions } from "./flows-versions.js";

const SVG = "http://www.w3.org/2000/svg";
const who = await session();
let flows = [];
let drawn = null;
let due = null;
let served = null;
// Which version serves is an admin's to say, or a program's on this machine.
const mayChange = who.role === "admin" || who.local;
// An outage comes at night: supervisors say so as well.
const maySwitch = supervises(who) || who.local;

if (who.name || who.local) begin();
else signIn(at("door"), "Sign in", "The flows are for people of this contact center.");

async function begin() {
  await attempt(at("error"), async () => {
    ({ flows } = await ask("GET", "/api/v1/flows"));
    list();
    at("flow").addEventListener("change", () => (location.hash = at("flow").value));
    addEventListener("hashchange", open);
    wireVersions(mayChange);
    wireAnnouncements(() => attempt(at("error"), drawState));
    // Before the drawing, with which the page is shown, so that nothing jumps.
    await drawState();
    await open();
    follow("/api/v1/events", "fact", ({ fact }) => moves.has(fact) && soon());
    follow("/api/v1/wallboard/events", "board", ({ flows: files }) => {
      if (!files) return;
      reject(files.problem);
      if (served !== null && served !== files.version) renew();
      served = files.version;
    });
  });
  show(at("page"), true);
}

// Files that were changed and are not served: what is wrong with them, as `warmline flow check` says it.
function reject(problem) {
  show(at("rejected"), Boolean(problem));
  if (!problem) return;
  write(at("rejected-title"), `The files in the folder are not served, since ${whenText(problem.since)}`);
  redraw(at("rejected-errors"), problem.errors, () => problem.errors.map((error) => make("pre", {}, error)));
}

// Another version is served: its flows may be others.
async function renew() {
  ({ flows } = await ask("GET", "/api/v1/flows"));
  list();
  await Promise.all([open(), drawState()]);
}

// What serves, and what every caller is told just now.
function drawState() {
  return Promise.all([drawVersions(mayChange), drawAnnouncements(maySwitch)]);
}

function list() {
  at("flow").replaceChildren(...flows.map(({ name, numbers }) => make("option", { value: name }, numbers.length ? `${name} (${numbers.join(", ")})` : name)));
}

const moves = new Set(["node_entered", "agent_connected", "call_ended"]);

// Counts are asked for once a second at most, however much happens.
function soon() {
  due ??= setTimeout(() => {
    due = null;
    open();
    drawState().catch(() => {});
  }, 1000);
}

async function open() {
  const wanted = decodeURIComponent(location.hash.slice(1));
  const name = flows.some((flow) => flow.name === wanted) ? wanted : flows.find((flow) => flow.name === "main")?.name ?? flows[0]?.name;
  if (!name) return;
  at("flow").value = name;
  await attempt(at("error"), async () => {
    const flow = await ask("GET", `/api/v1/flows/${encodeURIComponent(name)}`);
    // With its drawing, so that nothing jumps.
    show(at("page"), true);
    const { numbers } = flows.find((one) => one.name === name);
    write(at("title"), name);
    write(at("numbers"), numbers.length ? `Serves ${numbers.join(", ")}` : "Serves no number by itself");
    if (drawn !== flow.svg) draw(flow.svg);
    drawn = flow.svg;
    count(flow.nodes);
    redraw(at("nodes"), flow.nodes, () => flow.nodes.map(row));
  });
}

// The drawing without its own colours: it takes the page's.
function draw(text) {
  const plain = text.replace(/<style>[^]*?<\/style>/g, "");
  const svg = new DOMParser().parseFromString(plain, "image/svg+xml").documentElement;
  at("drawing").replaceChildren(document.importNode(svg, true));
  // A drawing begins in its middle.
  at("drawing").scrollLeft = (at("drawing").scrollWidth - at("drawing").clientWidth) / 2;
}

function count(nodes) {
  const svg = at("drawing").querySelector("svg");
  for (const old of svg.querySelectorAll(".here")) old.remove();
  for (const { name, callers } of nodes.filter((node) => node.callers > 0)) {
    const label = [...svg.querySelectorAll("text.n")].find((text) => text.textContent === name);
    const box = label?.parentElement.querySelector(".b")?.getBBox() ?? label?.getBBox();
    if (!box) continue;
    const here = document.createElementNS(SVG, "g");
    here.setAttribute("class", "here");
    const circle = document.createElementNS(SVG, "circle");
    const text = document.createElementNS(SVG, "text");
    for (const [key, value] of Object.entries({ cx: box.x + box.width, cy: box.y, r: 12 })) circle.setAttribute(key, value);
    for (const [key, value] of Object.entries({ x: box.x + box.width, y: box.y + 4, "text-anchor": "middle" })) text.setAttribute(key, value);
    text.textContent = callers;
    here.append(circle, text);
    label.parentElement.append(here);
  }
}

function row({ name, kind, about, exits, callers, came, average_s: average }) {
  return make("tr", {},
    make("td", {}, make("b", {}, name)),
    make("td", {}, words(kind), about ? make("span", { class: "muted" }, ` ${about}`) : null),
    make("td", {}, ...exits.map(({ label, to, taken }) => make("div", {}, make("span", { class: "muted" }, `${label} → `), to, taken ? make("span", { class: "number muted" }, ` ×${taken}`) : null))),
    make("td", { class: "number" }, callers ? String(callers) : ""),
    make("td", { class: "number" }, came ? String(came) : ""),
    make("td", { class: "number" }, average === null ? "" : length(average)));
}
