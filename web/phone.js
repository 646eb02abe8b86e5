// The telephone in the browser: audio over WebRTC, everything else over one WebSocket.
//
//   const phone = new Phone();                     an agent's desk
//   phone.addEventListener("desk", (e) => draw(e.detail));
//   await phone.connect();                         asks for the microphone, stays connected by itself
//   phone.pickUp(12); phone.hangUp(12);
//
//   const call = new WebCall();                    a caller
//   await call.dial("1000"); call.key("1"); call.hangUp();
//
// Events of both: "state" {state}, "error" {error, hint}, "microphone" when another one is spoken into than before.
// Nothing is loaded from anywhere.

const ALIVE_EVERY = 10_000;
// How long to wait before each further try to connect, in milliseconds; the last one is repeated.
const RETRY_AFTER = [200, 500, 1_000, 2_000, 5_000];
// A connection that has lost its way is given so long to find it again.
const LOST_FOR = 1_500;
// The close code of a desk that another window has taken, or that was signed out.
const TAKEN = 4_001;
const SETTINGS = "warmline.audio";

// What the user chose: {microphone, speaker, processing}.
export function settings() {
  try {
    return JSON.parse(localStorage.getItem(SETTINGS)) ?? {};
  } catch {
    return {};
  }
}

function remember(change) {
  localStorage.setItem(SETTINGS, JSON.stringify({ ...settings(), ...change }));
}

// The STUN and TURN servers of the center. Most networks need none, so that a connection is tried without as well.
async function iceServers() {
  try {
    const response = await fetch("/api/v1/ice");
    return (await response.json()).iceServers ?? [];
  } catch {
    return [];
  }
}

// Why the browser gave no microphone, and what helps: {error, hint}; null when that is not why it failed.
export function whyNoMicrophone({ name }) {
  if (!navigator.mediaDevices) return { error: "a browser gives no microphone to a page that is not secured", hint: "open this page over HTTPS, or as localhost on the server itself" };
  if (["NotAllowedError", "SecurityError"].includes(name)) return { error: "the browser does not let this page use the microphone", hint: "allow it in the address bar, then try again" };
  if (["NotFoundError", "OverconstrainedError"].includes(name)) return { error: "there is no microphone", hint: "plug one in, then try again" };
  if (["NotReadableError", "AbortError"].includes(name)) return { error: "the microphone cannot be opened: another program may have it", hint: "close that program, then try again" };
  return null;
}

// Microphone, loudspeaker and what they measure.
class Sound {
  #context = null;
  #meters = {};
  // Told when the microphone has been unplugged.
  lost = () => {};
  player = new Audio();
  microphone = null;
  // Whether silence stands for it.
  isSilence = false;
  // What is sent of it: a track of its own, so that it can be silent while the meter still sees the microphone.
  voice = null;
  remote = null;

  constructor() {
    this.player.autoplay = true;
  }

  // Opens the microphone, or the one that was chosen since.
  async open() {
    const { microphone, speaker, processing = true } = settings();
    const audio = {
      echoCancellation: processing,
      noiseSuppression: processing,
      autoGainControl: processing,
      channelCount: 1,
    };
    const open = (device) => navigator.mediaDevices.getUserMedia({ audio: { ...audio, ...device } });
    // No preference: Chromium stays with the one that is open. Whoever has unplugged it gets another.
    const exact = microphone ? { deviceId: { exact: microphone } } : {};
    const stream = await open(exact).catch((error) => {
      if (microphone && ["OverconstrainedError", "NotFoundError"].includes(error.name)) return open({});
      throw error;
    });
    this.close();
    this.isSilence = false;
    [this.microphone] = stream.getAudioTracks();
    const opened = this.microphone;
    opened.addEventListener("ended", () => opened === this.microphone && this.lost());
    this.voice = this.microphone.clone();
    if (speaker) await this.playTo(speaker);
    return this.microphone;
  }

  // Something to send that is no microphone.
  openSilence() {
    this.close();
    this.isSilence = true;
    this.#context ??= new AudioContext();
    [this.microphone] = this.#context.createMediaStreamDestination().stream.getAudioTracks();
    this.voice = this.microphone.clone();
  }

  // Plays through this loudspeaker, or the system's when it is not there.
  async playTo(speaker) {
    await this.player.setSinkId?.(speaker).catch(() => this.player.setSinkId("").catch(() => {}));
  }

  close() {
    this.microphone?.stop();
    this.voice?.stop();
    this.microphone = this.voice = null;
    this.#meters.input = null;
  }

  play(track) {
    this.remote = new MediaStream([track]);
    this.player.srcObject = this.remote;
    // A page that nobody has touched may not play; the next touch lets it.
    this.player.play().catch(() => {
      addEventListener("pointerdown", () => this.player.play().catch(() => {}), { once: true });
    });
    this.#meters.output = null;
  }

  // How loud it is at the microphone and from the other side: 0 to 1.
  levels() {
    const input = this.microphone && new MediaStream([this.microphone]);
    return { input: this.#level("input", input), output: this.#level("output", this.remote) };
  }

  #level(name, stream) {
    if (!stream) return 0;
    if (!this.#meters[name]) {
      this.#context ??= new AudioContext();
      const analyser = this.#context.createAnalyser();
      analyser.fftSize = 1024;
      this.#context.createMediaStreamSource(stream).connect(analyser);
      this.#meters[name] = { analyser, samples: new Float32Array(analyser.fftSize) };
    }
    const { analyser, samples } = this.#meters[name];
    analyser.getFloatTimeDomainData(samples);
    return Math.min(1, Math.max(...samples.map(Math.abs)));
  }
}

// A socket and a peer connection that belong together, and what both a desk and a caller do with them.
class Line extends EventTarget {
  #path;
  #alive = null;
  // A connection that goes on until the next one is up.
  #last = null;
  // The codec that offers prefer.
  codec = "opus";
  socket = null;
  peer = null;
  sender = null;
  audio = new Sound();
  muted = false;
  // Whether packets are sent, and whether there is a voice in them.
  sending = false;
  live = false;

  constructor(path) {
    super();
    this.#path = path;
    this.audio.lost = () => this.#renew();
    navigator.mediaDevices?.addEventListener("devicechange", () => this.#devicesChanged());
  }

  // What was plugged in or out may be what is spoken into, or what was chosen.
  async #devicesChanged() {
    if (!this.audio.microphone) return;
    const { microphone, speaker } = settings();
    const found = await this.devices();
    if (speaker) await this.audio.playTo(speaker);
    const back = microphone && microphone !== this.using.microphone && found.some(({ id }) => id === microphone);
    if (back || this.audio.microphone?.readyState === "ended") await this.#renew();
  }

  // Speaks into the microphone that there is now.
  async #renew() {
    try {
      await this.#reopen();
      this.tell("microphone");
    } catch {
      this.tell("error", { error: "the microphone is gone", hint: "plug one in: it is used at once" });
    }
  }

  async #reopen() {
    await this.audio.open();
    this.#voice();
    if (this.sending) await this.sender?.replaceTrack(this.audio.voice);
  }

  // Opens the microphone of who did without one until now.
  async openMicrophone() {
    if (this.audio.isSilence) await this.#reopen();
  }

  tell(type, detail = {}) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  send(message) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  // Opens the socket; resolves when it is open.
  openSocket() {
    const url = new URL(this.#path, location.href);
    url.protocol = url.protocol.replace("http", "ws");
    const socket = new WebSocket(url);
    this.socket = socket;
    socket.addEventListener("message", (event) => this.received(JSON.parse(event.data)));
    socket.addEventListener("close", (event) => {
      if (this.socket !== socket) return;
      clearInterval(this.#alive);
      this.socket = null;
      this.closed(event.code);
    });
    return new Promise((resolve, reject) => {
      socket.addEventListener("open", () => {
        clearInterval(this.#alive);
        this.#alive = setInterval(() => this.send({ do: "alive" }), ALIVE_EVERY);
        resolve();
      });
      socket.addEventListener("close", () => reject(new Error("the server cannot be reached")));
    });
  }

  // A new peer connection; its offer. The one before is dropped, or kept until the new one is up.
  async offer({ keep = false } = {}) {
    const last = this.peer;
    if (keep && last?.connectionState === "connected") {
      this.#last?.close();
      this.#last = last;
      this.peer = null;
    } else {
      this.dropPeer();
    }
    const peer = new RTCPeerConnection({ iceServers: await iceServers(), bundlePolicy: "max-bundle" });
    this.peer = peer;
    const transceiver = peer.addTransceiver(this.audio.voice, { direction: "sendrecv" });
    this.sender = transceiver.sender;
    this.#prefer(transceiver);
    if (!this.sending) await this.sender.replaceTrack(null);
    peer.addEventListener("track", ({ track }) => this.audio.play(track));
    peer.addEventListener("connectionstatechange", () => {
      if (this.peer !== peer) return;
      if (peer.connectionState === "connected") this.#dropLast();
      this.connection(peer.connectionState);
    });
    await peer.setLocalDescription(await peer.createOffer());
    return peer.localDescription.sdp;
  }

  // Puts the preferred codec before the others. A browser that cannot do it has its own order, which will do.
  #prefer(transceiver) {
    const codecs = RTCRtpReceiver.getCapabilities?.("audio")?.codecs ?? [];
    const is = ({ mimeType }) => mimeType.toLowerCase() === `audio/${this.codec.toLowerCase()}`;
    const ordered = [...codecs.filter(is), ...codecs.filter((codec) => !is(codec))];
    if (ordered.length > 0) transceiver.setCodecPreferences?.(ordered);
  }

  #dropLast() {
    this.#last?.close();
    this.#last = null;
  }

  dropPeer() {
    const peer = this.peer;
    this.peer = this.sender = null;
    peer?.close();
    this.#dropLast();
  }

  // Sends nothing, silence (which has everything running when it counts), or the voice: that only while there is
  // somebody to hear it.
  async sends(on, live = on) {
    this.live = live;
    this.#voice();
    if (on === this.sending) return;
    this.sending = on;
    const track = on ? this.audio.voice : null;
    await this.#last?.getSenders()[0]?.replaceTrack(track);
    await this.sender?.replaceTrack(track);
  }

  received(message) {
    if (message.tell === "answer") {
      this.peer?.setRemoteDescription({ type: "answer", sdp: message.sdp });
    } else if (message.tell === "error") {
      this.tell("error", { error: message.error, hint: message.hint });
    }
  }

  // Stops sending sound, or goes on.
  mute(on) {
    this.muted = on;
    this.#voice();
  }

  #voice() {
    if (this.audio.voice) this.audio.voice.enabled = this.live && !this.muted;
  }

  // The microphones and loudspeakers there are: [{kind: "audioinput" | "audiooutput", id, label}].
  async devices() {
    const found = await navigator.mediaDevices.enumerateDevices();
    return found
      .filter(({ kind }) => kind.startsWith("audio"))
      .map(({ kind, deviceId, label }) => ({ kind, id: deviceId, label }));
  }

  // The microphone and the loudspeaker in use, as `devices` names them.
  get using() {
    return { microphone: this.audio.microphone?.getSettings().deviceId ?? "", speaker: settings().speaker ?? "default" };
  }

  // Speaks into another microphone from now on; it is remembered.
  async useMicrophone(id) {
    remember({ microphone: id });
    await this.#reopen();
  }

  // Plays through another loudspeaker from now on; it is remembered.
  async useSpeaker(id) {
    remember({ speaker: id });
    await this.audio.playTo(id);
  }

  levels() {
    return this.audio.levels();
  }

  // How well it goes: {lost, jitter, roundTrip, warning}: the share of packets lost, seconds, seconds, and words
  // when a person would notice.
  async stats() {
    const figures = { lost: 0, jitter: 0, roundTrip: 0, received: 0, warning: "" };
    if (!this.peer) return figures;
    for (const report of (await this.peer.getStats()).values()) {
      if (report.type === "inbound-rtp" && report.kind === "audio") {
        const expected = report.packetsReceived + report.packetsLost;
        figures.lost = expected > 0 ? Math.max(0, report.packetsLost) / expected : 0;
        figures.jitter = report.jitter ?? 0;
        figures.received = report.packetsReceived;
      } else if (report.type === "candidate-pair" && report.nominated) {
        figures.roundTrip = report.currentRoundTripTime ?? figures.roundTrip;
      }
    }
    if (figures.lost > 0.05) figures.warning = "Your network loses packets: words may be missing.";
    else if (figures.roundTrip > 0.4) figures.warning = "Your network is slow: you may speak at the same time.";
    else if (figures.jitter > 0.05) figures.warning = "Your network is uneven: the sound may break up.";
    return figures;
  }
}

// An agent's telephone. Events beside those of every line: "desk", with the whole view of the desk.
// States: connecting, up, lost (it tries again by itself), taken (another window has the phone), closed.
export class Phone extends Line {
  #wanted = false;
  // Whether the server has the connection of its last answer.
  #connected = false;
  #picked = null;
  #tries = 0;
  #timer = null;
  #lost = null;

  constructor({ path = "/api/v1/desk" } = {}) {
    super(path);
    this.codec = "PCMU";
    addEventListener("online", () => this.#again(0));
  }

  // Asks for the microphone and connects; stays connected until `disconnect`. Who only `listens` needs no microphone.
  async connect({ listens = false } = {}) {
    this.#wanted = true;
    await this.audio.open().catch((error) => {
      if (!listens) throw error;
      this.audio.openSilence();
    });
    await this.#begin();
  }

  // Signs out of the phone.
  disconnect() {
    this.#wanted = false;
    clearTimeout(this.#timer);
    this.send({ do: "sign_out" });
    this.#end("closed");
  }

  // Takes a call that rings. The microphone is sent at once: the answer need not be waited for.
  pickUp(call) {
    this.#picked = call;
    this.send({ do: "pick_up", call });
    return this.sends(true);
  }

  reject(call) {
    this.send({ do: "reject", call });
  }

  hangUp(call) {
    this.send({ do: "hang_up", call });
  }

  async #begin() {
    this.tell("state", { state: "connecting" });
    try {
      if (!this.socket) await this.openSocket();
      this.send({ do: "offer", sdp: await this.offer() });
    } catch (error) {
      this.#again();
    }
  }

  // Goes over to another connection while this one goes on.
  async #change() {
    try {
      this.send({ do: "offer", sdp: await this.offer({ keep: true }) });
    } catch (error) {
      this.#again();
    }
  }

  // Connects anew after a while, longer after each try that failed.
  #again(after = RETRY_AFTER[Math.min(this.#tries++, RETRY_AFTER.length - 1)]) {
    clearTimeout(this.#timer);
    if (!this.#wanted || this.peer?.connectionState === "connected") return;
    this.#timer = setTimeout(() => this.#begin(), after);
  }

  #end(state) {
    clearTimeout(this.#lost);
    const socket = this.socket;
    this.socket = null;
    this.dropPeer();
    this.audio.close();
    socket?.close();
    this.tell("state", { state });
  }

  connection(state) {
    clearTimeout(this.#lost);
    if (state === "connected") {
      this.#isUp();
    } else if (state === "disconnected") {
      this.#lost = setTimeout(() => this.#lose(), LOST_FOR);
    } else if (state === "failed" || state === "closed") {
      this.#lose();
    }
  }

  // Up is what both ends are: what is asked for before the server has the connection finds no phone.
  #isUp() {
    if (!this.#connected || this.peer?.connectionState !== "connected") return;
    this.#tries = 0;
    this.tell("state", { state: "up" });
  }

  #lose() {
    this.tell("state", { state: "lost" });
    this.dropPeer();
    this.#again();
  }

  closed(code) {
    if (code === TAKEN) {
      this.#wanted = false;
      return this.#end("taken");
    }
    if (!this.#wanted) return;
    this.tell("state", { state: "lost" });
    this.dropPeer();
    this.#again();
  }

  received(message) {
    super.received(message);
    if (message.tell === "answer") {
      this.#connected = false;
    } else if (message.tell === "connected") {
      this.#connected = true;
      this.#isUp();
    } else if (message.tell === "disconnected") {
      this.#lose();
    } else if (message.tell === "codec") {
      this.codec = message.codec;
      this.#change();
    } else if (message.tell === "desk") {
      const { calls } = message.desk;
      // What was picked up here may ring on until the server has said yes.
      if (!calls.some(({ call }) => call === this.#picked)) this.#picked = null;
      const here = calls.filter(({ phase }) => phase !== "wrap_up");
      this.sends(here.length > 0, here.some(({ call, phase }) => call === this.#picked || phase !== "ringing"));
      this.tell("desk", message.desk);
    }
  }
}

// A caller's telephone: one call. Events beside those of every line: "caption" {text}.
// States: connecting, ringing, talking, ended.
export class WebCall extends Line {
  state = "ended";
  // Of the call, once it is under way.
  number = null;

  constructor({ path = "/api/v1/web-call" } = {}) {
    super(path);
  }

  async dial(number) {
    this.#become("connecting");
    this.sending = this.live = true;
    try {
      await this.audio.open();
      await this.openSocket();
      const sdp = await this.offer();
      // The server may have closed the socket meanwhile, and has said why.
      if (this.state === "ended") return this.dropPeer();
      this.send({ do: "call", number, sdp });
    } catch (error) {
      if (this.state === "ended") return;
      this.tell("error", whyNoMicrophone(error) ?? { error: error.message, hint: "try again" });
      this.#end();
    }
  }

  key(digit) {
    this.send({ do: "key", digit });
  }

  hangUp() {
    this.send({ do: "hang_up" });
    this.#end();
  }

  #become(state) {
    this.state = state;
    this.tell("state", { state });
  }

  #end() {
    const socket = this.socket;
    this.socket = null;
    this.dropPeer();
    this.audio.close();
    socket?.close();
    if (this.state !== "ended") this.#become("ended");
  }

  connection(state) {
    if (state === "failed") {
      this.tell("error", { error: "the connection is lost", hint: "call again" });
      this.#end();
    }
  }

  closed() {
    this.#end();
  }

  received(message) {
    super.received(message);
    if (message.tell === "state") {
      this.number = message.call;
      if (message.state === "ended") this.#end();
      else this.#become(message.state);
    } else if (message.tell === "caption") {
      this.tell("caption", { text: message.text });
    }
  }
}
