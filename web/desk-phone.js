// The desk's telephone: connects phone.js with the page, rings, notifies, and shows what it measures.

import { at, capital, make, show, showLevel, write } from "./base.js";
import { Window } from "./desk-window.js";

const STATES = {
  off: ["", "No phone in this page"],
  connecting: ["warn", "Phone connects…"],
  up: ["good", "Phone up"],
  lost: ["bad", "Phone lost, connecting again"],
  taken: ["bad", "Another window has the phone"],
  closed: ["", "No phone in this page"],
};

// A phone that is not up by then is given up by who waits for it, in milliseconds.
const UP_WITHIN = 10_000;

// A page that is loaded anew is the phone again within this time, in milliseconds; a copy of its window is not.
const ANEW_WITHIN = 1000;

const MUTED = "warmline.muted";

// A microphone that works is louder than this within so many milliseconds, even in a quiet room.
const SILENCE = 0.002;
const SILENT_FOR = 5000;

// One's own call to somebody is no news.
const callsThem = ({ phase, role, direction }) => phase === "ringing" && (role !== "agent" || direction === "inbound");

export class Audio {
  #changed;
  #window = new Window();
  #desk = null;
  #phone = null;
  #state = "off";
  #rings = null;
  #ringing = null;
  #taking = null;
  #takes = null;
  #context = null;
  #loudest = 0;
  #upSince = 0;
  #toldSilent = false;
  #talked = false;
  // Who waits until the phone is up, or is not to be.
  #waiting = [];

  constructor({ changed, mayStop }) {
    this.#changed = changed;
    at("phone-on").addEventListener("click", () => {
      if (!this.isOn) this.#start();
      else if (mayStop()) this.#stop();
    });
    this.#option("ring-sound", "warmline.ring", true);
    this.#option("notify", "warmline.notify", false, (on) => on && globalThis.Notification?.requestPermission?.());
    // Whoever used the page as a phone before does so again: a refresh in a call goes on by itself. A copy of the window
    // knows the same, and takes the phone from no window that is there.
    if (sessionStorage.getItem("warmline.phone") === "on") this.#startUnlessElsewhere();
    addEventListener("signing-out", () => this.#stop());
    setInterval(() => this.#measure(), 100);
    setInterval(() => this.#judge(), 2000);
  }

  get isUp() {
    return this.#state === "up";
  }

  // Whether this page is to be a phone, whether or not it is one just now.
  get isOn() {
    return ["connecting", "up", "lost"].includes(this.#state);
  }

  // Whether another window has had the phone, when it was looked at last.
  get wasTaken() {
    return this.#state === "taken";
  }

  // Makes this page the phone; whether it is up.
  async takeUp() {
    if (!this.isOn) this.#start();
    if (this.isUp) return true;
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      setTimeout(() => resolve(false), UP_WITHIN);
    });
  }

  // How loud the microphone is, 0 to 1; null when this page is no phone.
  get level() {
    return this.isUp ? (this.#phone.levels().input ?? 0) : null;
  }

  get kind() {
    return this.isSilent ? "warn" : STATES[this.#state][0] || "plain";
  }

  get words() {
    return this.isSilent ? "Phone up, microphone silent" : STATES[this.#state][1];
  }

  // Whether the microphone has given nothing at all for a while: it may be the wrong one, or switched off.
  get isSilent() {
    return this.isUp && this.#loudest < SILENCE && performance.now() - this.#upSince > SILENT_FOR;
  }

  // Whether this page takes a call by itself: a queue's, where the center says so, and while somebody can be heard here.
  takesByItself(desk, call) {
    const hears = this.isUp && this.#phone.audio.microphone?.readyState === "live";
    return desk.auto_answer_s !== null && hears && call?.phase === "ringing" && call.role === "agent" && call.direction === "inbound";
  }

  pickUp(call) {
    this.#quiet();
    this.#phone?.pickUp(call);
  }

  reject(call) {
    this.#quiet();
    this.#phone?.reject(call);
  }

  get isMuted() {
    return Boolean(this.#phone?.muted);
  }

  toggleMute() {
    this.#mute(!this.isMuted);
  }

  #mute(on) {
    this.#phone?.mute(on);
    if (on) sessionStorage.setItem(MUTED, "on");
    else sessionStorage.removeItem(MUTED);
    this.#changed();
  }

  // Who has muted themselves stays so for as long as they talk, after a refresh too; the next caller hears them.
  #unmute(talks) {
    if (this.#talked && !talks && this.isMuted) this.#mute(false);
    this.#talked = talks;
  }

  // Whether a call rings that the agent has not placed.
  isCalled(desk) {
    return desk.calls.some(callsThem);
  }

  // Rings while a call rings, and no longer.
  follows(desk) {
    this.#desk = desk;
    const call = desk.calls.find(callsThem);
    const ringing = call?.call ?? null;
    this.#takesAfter(desk, call);
    this.#unmute(desk.calls.some(({ phase }) => phase !== "ringing" && phase !== "wrap_up"));
    if (ringing === this.#ringing) return;
    this.#ringing = ringing;
    this.#quiet();
    if (ringing === null) return;
    if (at("ring-sound").checked) this.#ring();
    if (at("notify").checked && document.hidden && globalThis.Notification?.permission === "granted") {
      const { caller, queue } = call;
      const note = new Notification(`${caller.name || caller.number || "A caller"} calls`, { body: queue ?? "", tag: "warmline-ring" });
      note.addEventListener("click", () => window.focus());
    }
  }

  // A short tone tells who sits there that a caller hears them now.
  #takesAfter(desk, call) {
    const taking = this.takesByItself(desk, call) ? call.call : null;
    if (taking === this.#taking) return;
    clearTimeout(this.#takes);
    this.#taking = taking;
    if (taking === null) return;
    this.#takes = setTimeout(() => {
      this.pickUp(taking);
      this.#note(880, 0);
    }, desk.auto_answer_s * 1000);
  }

  #option(id, key, usual, changed = () => {}) {
    const kept = localStorage.getItem(key);
    at(id).checked = kept === null ? usual : kept === "on";
    at(id).addEventListener("change", () => {
      localStorage.setItem(key, at(id).checked ? "on" : "off");
      changed(at(id).checked);
    });
  }

  async #start() {
    show(at("phone-error"), false);
    let why = () => null;
    try {
      const { Phone, whyNoMicrophone } = await import("./phone.js");
      why = whyNoMicrophone;
      this.#phone = new Phone();
      // For tests, and for whoever looks from the console.
      window.phone = this.#phone;
      if (sessionStorage.getItem(MUTED)) this.#phone.mute(true);
      this.#phone.addEventListener("state", ({ detail: { state } }) => this.#become(state));
      this.#phone.addEventListener("microphone", () => {
        show(at("phone-error"), false);
        this.#check();
        this.#listDevices();
      });
      this.#phone.addEventListener("error", ({ detail }) => this.#refuse(detail));
      await this.#phone.connect();
      this.#window.take().catch(() => {});
      sessionStorage.setItem("warmline.phone", "on");
      await this.#listDevices();
      navigator.mediaDevices.ondevicechange = () => this.#listDevices();
    } catch (error) {
      this.#refuse(why(error) ?? { error: "the phone could not be started", hint: "try again" });
      this.#become("off");
    }
  }

  #startUnlessElsewhere() {
    const late = setTimeout(() => this.#become("taken"), ANEW_WITHIN);
    this.#window.wait().then(() => {
      clearTimeout(late);
      if (!this.isOn && this.#desk?.state !== "offline") this.#start();
    }, () => {});
  }

  // The window that took the phone may be closed: then it is here again. Of one in another browser nothing is known.
  #waitForIt() {
    setTimeout(() => {
      if (this.#state === "taken" && !this.#window.isPhones) this.#startUnlessElsewhere();
    }, ANEW_WITHIN);
  }

  #stop() {
    sessionStorage.removeItem("warmline.phone");
    this.#phone?.disconnect();
    this.#phone = null;
    this.#become("off");
  }

  #become(state) {
    if (state === "up" && this.#state !== "up") this.#check();
    if (state === "taken" && this.isOn) this.#waitForIt();
    this.#state = state;
    if (state === "up" || !this.isOn) this.#waiting.splice(0).forEach((resolve) => resolve(state === "up"));
    // The button would stop the phone by now: who goes on by keys has done with it.
    if (this.isOn && document.activeElement === at("phone-on")) at("main").focus({ preventScroll: true });
    write(at("phone-on"), this.isOn ? "Stop using this page as my phone" : state === "taken" ? "Take the phone back" : "Use this page as my phone");
    show(at("phone-settings"), state === "up");
    this.#changed();
  }

  // The microphone shows anew whether it works.
  #check() {
    [this.#loudest, this.#upSince] = [0, performance.now()];
  }

  #refuse({ error, hint }) {
    at("phone-error").textContent = `${capital(error)}. ${hint ? `${capital(hint)}.` : ""}`;
    show(at("phone-error"), true);
  }

  async #listDevices() {
    if (!this.#phone) return;
    const devices = await this.#phone.devices();
    const { using } = this.#phone;
    const fill = (id, kind, use) => {
      const found = devices.filter((device) => device.kind === kind);
      at(id).replaceChildren(...found.map(({ id: value, label }) => make("option", { value }, label || "as the system chooses")));
      at(id).onchange = () => use(at(id).value);
      at(id).disabled = found.length < 2;
      if (found.some(({ id: value }) => value === using[id])) at(id).value = using[id];
    };
    fill("microphone", "audioinput", (id) => this.#phone.useMicrophone(id));
    fill("speaker", "audiooutput", (id) => this.#phone.useSpeaker(id));
  }

  #measure() {
    if (!this.isUp || document.hidden) return;
    const heard = this.#phone.levels().input ?? 0;
    this.#loudest = Math.max(this.#loudest, heard);
    const silent = this.isSilent;
    write(at("mic-check"), this.#loudest >= SILENCE ? "The microphone works." : silent ? "Nothing comes from the microphone: choose another, or switch it on." : "Listening to the microphone…");
    if (silent !== this.#toldSilent) {
      this.#toldSilent = silent;
      this.#changed();
    }
    showLevel(at("level"), heard);
  }

  async #judge() {
    if (!this.isUp) return write(at("quality"), "");
    const { warning, roundTrip } = await this.#phone.stats();
    write(at("quality"), warning || `Connection good, ${Math.round(roundTrip * 1000)} ms`);
  }

  #note(frequency, after) {
    this.#context ??= new AudioContext();
    const [tone, gain, begin] = [this.#context.createOscillator(), this.#context.createGain(), this.#context.currentTime + after];
    tone.frequency.value = frequency;
    gain.gain.setValueAtTime(0, begin);
    gain.gain.linearRampToValueAtTime(0.12, begin + 0.03);
    gain.gain.exponentialRampToValueAtTime(0.001, begin + 0.7);
    tone.connect(gain).connect(this.#context.destination);
    tone.start(begin);
    tone.stop(begin + 0.75);
  }

  // Two soft notes, every three seconds.
  #ring() {
    const both = () => {
      this.#note(659.3, 0);
      this.#note(523.3, 0.35);
    };
    both();
    this.#rings = setInterval(both, 3000);
  }

  #quiet() {
    clearInterval(this.#rings);
    this.#rings = null;
  }
}
