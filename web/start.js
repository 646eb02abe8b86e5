// The start page: what runs here, and what to dial.

import { ask, at, make, session } from "./base.js";

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
} catch (refusal) {
  at("now").textContent = refusal.status === 401 ? "Sign in to see what runs here." : refusal.words;
}
