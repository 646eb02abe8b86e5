// Leaving a page while somebody is on its phone: it asks first, and its links open beside it.

import { make } from "./base.js";

// `calls`: those that this page's phone has or rings for.
export class Leaving {
  #calls;

  constructor({ calls }) {
    this.#calls = calls;
    addEventListener("beforeunload", (event) => {
      if (calls().length > 0) event.preventDefault();
    });
    addEventListener("may-sign-out", (event) => {
      if (!this.mayGo("sign out")) event.preventDefault();
    });
  }

  // Whether nobody is on the line, or the agent says that they mean it.
  mayGo(what) {
    const told = this.#calls().map(becomes);
    return told.length === 0 || confirm(`${told.join(" ")} Do you want to ${what}?`);
  }

  // Links of the page's head lead away from the phone.
  draw() {
    const busy = this.#calls().length > 0;
    for (const link of document.querySelectorAll(".bar a:not([aria-current])")) {
      if (busy === (link.target === "_blank")) continue;
      if (busy) {
        link.target = "_blank";
        link.rel = "noopener";
        link.append(make("span", { class: "unseen" }, " (in a new tab)"));
      } else {
        link.removeAttribute("target");
        link.querySelector(".unseen")?.remove();
      }
    }
  }
}

// What becomes of a call when its agent goes.
function becomes({ phase, role, direction, caller }) {
  const name = caller.name || caller.number || "A caller";
  const queued = role === "agent" && direction === "inbound";
  if (phase === "ringing") return `${name} rings here: the call ${queued ? "goes to another agent" : "is refused"}, unless another phone of yours rings.`;
  const ends = role === "agent" && phase !== "conference" ? "the call ends at once" : "your line of the call ends at once";
  return `${name} is on the line: ${ends}, unless another phone of yours has it.`;
}
