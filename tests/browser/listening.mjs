// What is put into every page of a test: ears.

export function listening() {
  const ears = new Map();
  const context = () => (ears.context ??= new AudioContext());

  // Octave-wide ears would hear anything: this is Goertzel's filter, as wide as the piece of sound is short.
  function share(samples, hz, rate) {
    const step = 2 * Math.cos((2 * Math.PI * hz) / rate);
    let [a, b, energy] = [0, 0, 0];
    for (const sample of samples) {
      [a, b] = [sample + step * a - b, a];
      energy += sample * sample;
    }
    if (energy / samples.length < 1e-5) return 0;
    return (2 * (a * a + b * b - step * a * b)) / (samples.length * energy);
  }

  function samples(stream, length) {
    const key = `${stream.id} ${length}`;
    if (!ears.has(key)) {
      const analyser = context().createAnalyser();
      analyser.fftSize = length;
      context().createMediaStreamSource(stream).connect(analyser);
      ears.set(key, { analyser, samples: new Float32Array(length) });
    }
    const ear = ears.get(key);
    ear.analyser.getFloatTimeDomainData(ear.samples);
    return ear.samples;
  }

  // Whether this tone is what is heard just now: 43 ms of it, and little else.
  window.hears = (stream, hz) => stream !== null && share(samples(stream, 2048), hz, context().sampleRate) > 0.7;

  // Whether it is among what is heard just now.
  window.hearsAmong = (stream, hz) => stream !== null && share(samples(stream, 2048), hz, context().sampleRate) > 0.15;

  // When it is first heard, by the clock of the machine, looked for every 2 ms in pieces of 11 ms; null if not in
  // time.
  window.firstHeard = (stream, hz, patience) =>
    new Promise((resolve) => {
      const until = Date.now() + patience;
      const timer = setInterval(() => {
        const now = performance.timeOrigin + performance.now();
        const heard = stream() && share(samples(stream(), 512), hz, context().sampleRate) > 0.7;
        if (!heard && now < until) return;
        clearInterval(timer);
        resolve(heard ? now : null);
      }, 2);
    });
}
