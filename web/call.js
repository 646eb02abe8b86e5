// The page of a caller: a number, a dial pad, and what is being said.

import { WebCall } from "./phone.js";

const at = (id) => document.getElementById(id);
const call = new WebCall();
const words = { connecting: "Connecting…", ringing: "Ringing…", talking: "Connected", ended: "Not connected" };

function say(text) {
  const line = document.createElement("li");
  line.textContent = text;
  at("captions").append(line);
}

for (const key of "123456789*0#") {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = key;
  button.addEventListener("click", () => call.key(key));
  at("keys").append(button);
}
// While there is a call, a digit is a key of it wherever the focus is: a PIN is nothing to stand in a field.
addEventListener("keydown", (event) => {
  const { key } = event;
  if (call.state === "ended" || !/^[0-9*#]$/.test(key) || event.ctrlKey || event.altKey || event.metaKey) return;
  event.preventDefault();
  call.key(key);
});
at("dial").addEventListener("submit", (event) => {
  event.preventDefault();
  at("captions").replaceChildren();
  call.dial(at("number").value.trim());
});
at("stop").addEventListener("click", () => call.hangUp());
call.addEventListener("state", ({ detail: { state } }) => {
  at("state").textContent = words[state];
  at("go").disabled = state !== "ended";
  at("stop").disabled = state === "ended";
  at("number").readOnly = state !== "ended";
  if (state === "connecting") at("keys").focus();
});
call.addEventListener("caption", ({ detail: { text } }) => say(text));
call.addEventListener("error", ({ detail: { error, hint } }) => say(`${error}. ${hint}`));

// For whoever looks from the console, the tests among them.
window.call = call;
