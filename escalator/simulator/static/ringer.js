// The sound of a ringing phone: 440 and 480 Hz together, two seconds of every six. Silent until a click allows it.

const TONES = [440, 480];
const ON_SECONDS = 2;
const CYCLE_SECONDS = 6;
const CYCLES = 120;
const LOUDNESS = 0.08;
const SHAKES = [400, 200, 400, 2000];

let context = null;
let playing = null;

export function allow() {
  context ??= new AudioContext();
  context.resume();
}

export function forbid() {
  stop();
  context?.suspend();
  context = null;
}

export function start() {
  if (context === null || playing !== null) {
    return;
  }
  const volume = new GainNode(context, { gain: 0 });
  volume.connect(context.destination);
  const begin = context.currentTime + 0.05;
  for (let cycle = 0; cycle < CYCLES; cycle += 1) {
    volume.gain.setTargetAtTime(LOUDNESS, begin + cycle * CYCLE_SECONDS, 0.02);
    volume.gain.setTargetAtTime(0, begin + cycle * CYCLE_SECONDS + ON_SECONDS, 0.02);
  }
  playing = TONES.map((frequency) => new OscillatorNode(context, { frequency }));
  for (const tone of playing) {
    tone.connect(volume);
    tone.start(begin);
  }
  shake(SHAKES);
}

export function stop() {
  if (playing === null) {
    return;
  }
  playing.forEach((tone) => tone.stop());
  playing = null;
  shake([]);
}

function shake(pattern) {
  if (typeof navigator.vibrate === "function") {
    navigator.vibrate(pattern);
  }
}
