// Whether the caller is who they say they are: what they proved to a flow, and an agent's word on it.

import { whenText } from "./base.js";

const BY_FLOW = {
  verified_by_pin: "by PIN",
  verified_by_birth_date: "by date of birth",
  verified_by_code: "by a code sent",
  failed: "no: wrong PINs",
  locked_out: "no: account locked",
  no_input: "no: nothing keyed",
  unavailable: "no: not checked",
};
const METHODS = { birth_date: "date of birth", security_question: "security question", document: "document", callback_number: "callback number" };

// `by alice, date of birth`, whether or not it fitted.
export const agentWords = ({ agent, method }) => `by ${agent}, ${METHODS[method]}`;

export function verifiedWords({ identity, verified, verified_by_agent: word }) {
  const flow = BY_FLOW[identity] ?? "no";
  if (!word) return verified ? `${flow}, ${whenText(verified.at)}` : flow;
  const agent = `${word.passed ? "" : "not "}${agentWords(word)}, ${whenText(word.at)}`;
  // Neither word overwrites the other; that nothing was proven to a flow is old news by then.
  return verified ? `${flow}, ${whenText(verified.at)}; ${agent}` : agent;
}

// An agent is asked for what no flow settled alone, and no colleague is asked who they are.
export function isUnsettled({ level, phase, direction }) {
  const talks = ["talking", "asking_hold", "holding", "consulting", "conference"].includes(phase);
  return talks && level < 2 && direction !== "internal";
}
