// The start page: what runs here, and what to dial.

import { ask, at, make, session } from "./base.js";

// Who may sign in with the demo password and what to dial then, where there is somebody: not every center is the demo's.
function firstCall({ agents, numbers, demo_accounts: demo }) {
  const code = (text) => make("code", {}, text);
  const agent = agents.find((name) => demo.includes(name));
  if (agent) {
    at("as").replaceChildren("sign in as ", code(agent), " with the demo password ", code("warmline"));
  }
  if (demo.includes("sam")) {
    at("as-supervisor").replaceChildren("sign in as ", code("sam"));
  }
  if (agent === "alice" && numbers.some(({ number, flow }) => number === "1000" && flow === "main")) {
    at("try").replaceChildren(code("1000"), "; key ", code("#"), " to skip the account number, then ", code("1"), " for billing");
  }
}

await session();
try {
  const center = await ask("GET", "/api/v1/center");
  at("company").textContent = center.company;
  const calls = center.calls === 1 ? "one call is up" : `${center.calls} calls are up`;
  at("now").textContent = `Warmline ${center.version} serves; ${center.calls ? calls : "no call is up"} now.`;
  at("sip").textContent = center.sip;
  at("numbers").replaceChildren(
    ...center.numbers.map(({ number, flow }) =>
      make("tr", {}, make("td", {}, make("b", {}, number)), make("td", {}, make("a", { href: `/flows#${flow}` }, flow)))),
  );
  firstCall(center);
} catch (refusal) {
  at("now").textContent = refusal.status === 401 ? "Sign in to see what runs here." : refusal.words;
}
