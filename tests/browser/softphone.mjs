// What is put into a page of a test beside JsSIP: a telephone of as little as it takes.

export function softphone() {
  // Tones are no speech: whatever makes speech clearer would take them away.
  const processing = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
  const options = { mediaConstraints: { audio: processing, video: false }, pcConfig: { iceServers: [] } };

  // A phone of JsSIP at `url`; with a password it signs in.
  window.jssipPhone = ({ url, user, password }) => {
    const host = new URL(url).hostname;
    const ua = new JsSIP.UA({
      sockets: [new JsSIP.WebSocketInterface(url)],
      uri: `sip:${user}@${host}`,
      password,
      register: Boolean(password),
    });
    const phone = {
      ua,
      session: null,
      state: "idle",
      audio: { remote: null },
      call: (number, more) => ua.call(`sip:${number}@${host}`, { ...options, ...more }),
      pickUp: () => phone.session.answer(options),
      hangUp: () => phone.session.terminate(),
      // A key as JsSIP sends it of itself, by INFO; or in the audio.
      key: (digit, transportType) => phone.session.sendDTMF(digit, transportType && { transportType }),
    };
    let connections = 0;
    ua.on("connected", () => (phone.reconnected = connections++));
    // Chromium lets nobody hear what no element plays.
    const player = new Audio();
    const follow = (peer) =>
      peer.addEventListener("track", ({ track }) => {
        phone.audio.remote = player.srcObject = new MediaStream([track]);
        player.play();
      });
    ua.on("newRTCSession", ({ session }) => {
      Object.assign(phone, { session, state: "ringing", audio: { remote: null } });
      if (session.connection) follow(session.connection);
      session.on("peerconnection", ({ peerconnection }) => follow(peerconnection));
      session.on("confirmed", () => (phone.state = "talking"));
      for (const over of ["ended", "failed"]) {
        session.on(over, ({ cause, originator }) => Object.assign(phone, { state: "over", cause, originator }));
      }
    });
    ua.start();
    return phone;
  };

  // The same of SIP.js.
  window.sipjsPhone = async ({ url, user, password }) => {
    const { Web } = await import("/sip.js/index.js");
    const host = new URL(url).hostname;
    const player = new Audio();
    player.autoplay = true;
    const phone = { state: "idle", audio: { remote: null } };
    const becomes = (state) => () => Object.assign(phone, { state, audio: { remote: player.srcObject } });
    const simple = new Web.SimpleUser(url, {
      aor: `sip:${user}@${host}`,
      media: { constraints: options.mediaConstraints, remote: { audio: player } },
      userAgentOptions: {
        authorizationUsername: user,
        authorizationPassword: password ?? "",
        sessionDescriptionHandlerFactoryOptions: { peerConnectionConfiguration: options.pcConfig },
      },
      delegate: {
        onRegistered: becomes("registered"),
        onCallReceived: becomes("ringing"),
        onCallAnswered: becomes("talking"),
        onCallHangup: becomes("over"),
      },
    });
    await simple.connect();
    if (password) await simple.register();
    return Object.assign(phone, {
      call: (number) => simple.call(`sip:${number}@${host}`),
      pickUp: () => simple.answer(),
      hangUp: () => simple.hangup(),
    });
  };
}
