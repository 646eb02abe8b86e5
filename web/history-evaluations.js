// How talks are judged: the forms of the call that is told, as its facts fill them in, what was said of it, and the table of all.

import { Refusal, about, ask, at, attempt, capital, length, make, show, supervises, whenText, words } from "./base.js";

const verdicts = { met: ["good", "Met"], not_met: ["bad", "Not met"], not_applicable: ["", "Does not apply"] };
const rules = (rule) => capital(words(rule));

let me = null;
let judges = false;
// The call that is shown, and what is known of how its talks were judged.
let call = null;
let known = { evaluations: [], open: [] };
let comments = [];
// The call whose recording has been fetched.
let heard = null;

export function wireEvaluations(who) {
  me = who.name;
  judges = supervises(who) || who.local;
  show(at("quality"), true);
  show(at("quality-all"), judges);
  at("quality").addEventListener("toggle", () => at("quality").open && attempt(at("error"), drawQuality));
  at("judge-which").addEventListener("change", drawForm);
  at("judge").addEventListener("submit", (event) => {
    event.preventDefault();
    save();
  });
  at("judge-listen").addEventListener("click", () => listen(0));
  at("comment-here").addEventListener("click", addComment);
  at("comment-words").addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    addComment();
  });
}

// What was said of the talks of a call, and for supervisors what may be.
export async function drawJudged(told) {
  if (heard !== null && heard !== told.id) forgetSound();
  call = told;
  known = await ask("GET", `/api/v1/calls/${told.id}/evaluations`);
  draw();
}

function draw() {
  const open = known.open.filter(({ agent }) => agent !== me);
  show(at("judged"), known.evaluations.length > 0 || open.length > 0);
  drawSound();
  at("judged-list").replaceChildren(...known.evaluations.map(evaluationItem));
  show(at("judge-row"), judges && open.length > 0);
  at("judge-which").replaceChildren(make("option", { value: "" }, "choose"), ...open.map(({ agent, form }, place) => make("option", { value: place }, `${capital(agent)}, ${words(form)}`)));
  drawForm();
}

const path = ({ agent, form }) => `/api/v1/calls/${call.id}/evaluations/${encodeURIComponent(agent)}/${encodeURIComponent(form)}`;

function evaluationItem(one) {
  const item = ({ name, points, got, question, rule, verdict, from, disputed }) => {
    const [kind, said] = rule ? verdicts[verdict] : got === null ? ["", "Does not apply"] : points === 1 ? [got ? "good" : "bad", got ? "Yes" : "No"] : ["plain", `${got} of ${points}`];
    return make("li", {},
      make("div", { class: "row spread" }, make("span", {}, question ?? rules(rule)), make("span", { class: `tag ${kind}` }, said)),
      from?.length ? make("div", { class: "muted" }, moments(from)) : null,
      disputed ? make("div", {}, make("b", {}, "Disputed: "), disputed) : null);
  };
  const texts = [["Strengths", one.strengths], ["To improve", one.improvements]].filter(([, text]) => text);
  const read = one.read ? `read ${whenText(one.read)}` : "not read yet";
  const mark = make("button", { type: "button" }, "I have read it");
  mark.addEventListener("click", () => attempt(at("judged-error"), async () => {
    await ask("POST", `${path(one)}/read`);
    await drawJudged(call);
  }));
  return make("article", { class: "panel stack", "aria-label": `${capital(one.agent)}, ${words(one.form)}` },
    make("div", { class: "row spread" }, make("b", {}, `${capital(one.agent)}, ${words(one.form)}`), make("span", {}, `${one.got} of ${one.points} points`)),
    make("p", { class: "small muted" }, [one.by ? `by ${one.by}` : null, whenText(one.at), read].filter(Boolean).join(", ")),
    make("ol", { class: "chain small" }, ...one.items.map(item)),
    make("dl", { class: "pairs small" }, ...texts.flatMap(([name, text]) => [make("dt", {}, name), make("dd", {}, text)]),
      ...one.comments.flatMap(({ at_s: second, words: said }) => [make("dt", {}, secondOf(second)), make("dd", {}, said)])),
    one.agent === me && !one.read ? make("div", { class: "row" }, mark) : null);
}

const moments = (from) => from.map(({ after_s: after, words: said }) => `${length(after)} ${said}`).join("; ");

// A second of the recording: who may listen goes there.
function secondOf(second) {
  if (!judges || !call.recordings) return length(second);
  return make("button", { type: "button", class: "quiet", "aria-label": `Listen from ${length(second)}`, onclick: () => listen(second) }, length(second));
}

// Plays the recording from this second on. It is fetched whole, once somebody wants it, so that any second can be gone to.
async function listen(second) {
  const sound = at("judge-sound");
  const wanted = call.id;
  if (heard !== wanted) {
    const fetched = await attempt(at("judged-error"), async () => {
      const response = await fetch(`/api/v1/calls/${wanted}/recording`);
      if (!response.ok) throw new Refusal(response.status, await response.json());
      const recording = await response.blob();
      if (call.id !== wanted) return;
      forgetSound();
      sound.src = URL.createObjectURL(recording);
      heard = wanted;
    });
    if (!fetched || heard !== wanted) return;
    drawSound();
    await new Promise((done) => sound.addEventListener("loadedmetadata", done, { once: true }));
  }
  sound.currentTime = second;
  await sound.play().catch(() => {});
}

function forgetSound() {
  const sound = at("judge-sound");
  if (sound.src) URL.revokeObjectURL(sound.src);
  sound.removeAttribute("src");
  sound.load();
  heard = null;
}

function drawSound() {
  show(at("judge-listen"), judges && Boolean(call.recordings) && heard !== call.id);
  show(at("judge-sound"), heard === call.id);
}

function drawForm() {
  const open = known.open.filter(({ agent }) => agent !== me)[at("judge-which").value];
  show(at("judge"), Boolean(open));
  if (!open) return;
  const before = known.evaluations.find(({ agent, form }) => agent === open.agent && form === open.form);
  at("judge-items").replaceChildren(...open.items.map((item) => (item.rule ? factsItem(item, before) : handItem(item, before))));
  at("strengths").value = before?.strengths ?? "";
  at("improvements").value = before?.improvements ?? "";
  comments = before?.comments ?? [];
  drawComments();
}

const said = (before, name) => before?.items.find((item) => item.name === name);

function handItem({ name, points, question }, before) {
  const id = `judge-${name}`;
  const answers = points === 1 ? [["1", "Yes"], ["0", "No"]] : Array.from({ length: points + 1 }, (_, got) => [String(got), `${got} of ${points}`]);
  const select = make("select", { id, "data-item": name, required: true }, make("option", { value: "" }, "choose"),
    ...answers.map(([value, text]) => make("option", { value }, text)), make("option", { value: "none" }, "Does not apply"));
  const item = said(before, name);
  if (item) select.value = item.got === null ? "none" : String(item.got);
  return make("div", {}, make("label", { for: id }, question), select);
}

function factsItem({ name, rule, verdict, from }, before) {
  const [kind, text] = verdicts[verdict];
  const id = `dispute-${name}`;
  const disputed = said(before, name)?.disputed ?? "";
  return make("div", { class: "stack" },
    make("div", { class: "row spread" }, make("span", {}, rules(rule)), make("span", { class: `tag ${kind}` }, text)),
    from.length ? make("div", { class: "small muted" }, moments(from)) : null,
    make("details", { open: Boolean(disputed) }, make("summary", { class: "small" }, "Dispute it"),
      make("label", { for: id }, `Why ${rules(rule).toLowerCase()} is otherwise`),
      make("input", { id, "data-dispute": name, maxlength: 300, autocomplete: "off", value: disputed })));
}

function addComment() {
  const text = at("comment-words").value.trim();
  if (!text) return at("comment-words").focus();
  comments = [...comments, { at_s: Math.floor(at("judge-sound").currentTime || 0), words: text }].sort((one, other) => one.at_s - other.at_s);
  at("comment-words").value = "";
  drawComments();
  at("comment-words").focus();
}

function drawComments() {
  at("comments").replaceChildren(...comments.map((comment) => {
    const drop = make("button", { type: "button", class: "quiet", "aria-label": `Take back: ${comment.words}` }, "Take back");
    drop.addEventListener("click", () => {
      comments = comments.filter((one) => one !== comment);
      drawComments();
      at("comment-words").focus();
    });
    return make("li", { class: "row" }, secondOf(comment.at_s), make("span", {}, comment.words), drop);
  }));
}

async function save() {
  const open = known.open.filter(({ agent }) => agent !== me)[at("judge-which").value];
  const fields = [...at("judge-items").querySelectorAll("[data-item]")].map(({ dataset, value }) => [dataset.item, value === "none" ? null : Number(value)]);
  const disputes = [...at("judge-items").querySelectorAll("[data-dispute]")].map(({ dataset, value }) => [dataset.dispute, value.trim()]).filter(([, why]) => why);
  const body = { answers: Object.fromEntries(fields), disputes: Object.fromEntries(disputes), strengths: at("strengths").value.trim(), improvements: at("improvements").value.trim(), comments };
  await attempt(at("judged-error"), async () => {
    await ask("PUT", path(open), body);
    await drawJudged(call);
    at("judge-which").focus();
  });
}

const percent = (share) => (share === null ? "" : `${share.toFixed(0)} %`);

// What was judged, one's own or everybody's; for supervisors what is to be, and what it comes to.
async function drawQuality() {
  const { evaluations } = await ask("GET", "/api/v1/evaluations");
  at("evaluations").replaceChildren(...evaluations.map((one) => make("tr", {}, make("th", { scope: "row" }, make("a", { href: `#${one.call}` }, `Call ${one.call}`)),
    ...[capital(one.agent), words(one.form), one.by ?? "", whenText(one.at)].map((text) => make("td", {}, text)),
    make("td", { class: "number" }, percent(one.share)), make("td", {}, one.read ? whenText(one.read) : "not yet"))));
  show(at("evaluations-none"), evaluations.length === 0);
  if (!judges) return;
  const { talks } = await ask("GET", "/api/v1/evaluations/due");
  const due = talks.filter(({ evaluated }) => !evaluated);
  at("due").replaceChildren(...due.map((one) => make("tr", {}, make("th", { scope: "row" }, make("a", { href: `#${one.call}` }, `Call ${one.call}`)),
    ...[capital(one.agent), words(one.form), whenText(one.ended)].map((text) => make("td", {}, text)), make("td", { class: "number" }, about(one.talked_s)))));
  show(at("due-none"), due.length === 0);
  const { items, formulas } = await ask("GET", "/api/v1/reports/evaluations");
  at("items").replaceChildren(...items.map((one) => make("tr", {}, make("th", { scope: "row" }, capital(one.agent)),
    ...[words(one.form), capital(one.words)].map((text) => make("td", {}, text)),
    ...[one.met, one.not_met, one.not_applicable, one.disputed, percent(one.met_share), percent(one.share)].map((value) => make("td", { class: "number" }, String(value))))));
  show(at("items-none"), items.length === 0);
  show(at("items-formulas"), items.length > 0);
  at("items-formulas").replaceChildren(...[["Met", formulas.met], ["Points", formulas.share]].flatMap(([name, text]) => [make("dt", {}, name), make("dd", {}, text)]));
}
