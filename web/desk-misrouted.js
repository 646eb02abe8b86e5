// Whether the caller came to the wrong queue: one click says so; where they belong and why can be said after it, and all of it
// be taken back.

import { ask, at, make, redraw, show, write } from "./base.js";

export function drawMisrouted({ misrouted, role, phase, direction, queue }) {
  const visible = role === "agent" && direction === "inbound" && Boolean(queue) && !["ringing", "whisper"].includes(phase);
  show(at("misrouted-row"), visible);
  if (!visible) return;
  show(at("misrouted"), !misrouted);
  show(at("misrouted-more"), Boolean(misrouted));
  show(at("misrouted-back"), Boolean(misrouted));
  const belongs = misrouted?.belongs ? `, and belongs in ${misrouted.belongs}` : "";
  write(at("misrouted-words"), misrouted ? `Came to the wrong queue${belongs}${misrouted.reason ? `: ${misrouted.reason}` : ""}.` : "");
}

// `open` shows the dialog, `begin` keeps the call that it is about.
export function wireMisrouted({ act, current, open, begin }) {
  at("misrouted").addEventListener("click", async () => {
    if (await act("misrouted", {})) at("misrouted-more").focus();
  });
  at("misrouted-back").addEventListener("click", async () => {
    if (await act("misrouted", { taken_back: true })) at("misrouted").focus();
  });
  at("misrouted-more").addEventListener("click", async () => {
    begin();
    const { misrouted, queue } = current();
    const { queues } = await ask("GET", "/api/v1/queues").catch(() => ({ queues: [] }));
    const others = queues.map(({ name }) => name).filter((name) => name !== queue);
    redraw(at("misrouted-belongs"), others, () => [make("option", { value: "" }, "not sure"), ...others.map((name) => make("option", { value: name }, name))]);
    at("misrouted-belongs").value = misrouted?.belongs ?? "";
    at("misrouted-reason").value = misrouted?.reason ?? "";
    open();
    at("misrouted-belongs").focus();
  });
}
