// Speaks with the browser's own voices, where there are any. Nobody waits for it: the words on the page are what counts.

const BEHIND_MAX = 4;

let isAllowed = false;
let waiting = 0;

// Called within a click: browsers let a page speak only after one.
export function allow() {
  isAllowed = typeof speechSynthesis === "object";
  if (isAllowed) {
    speechSynthesis.getVoices();
  }
}

export function forbid() {
  hush();
  isAllowed = false;
}

// Says it, and answers whether there is a voice for the language.
export function say(parts, language) {
  const voice = isAllowed ? voiceFor(language) : undefined;
  if (voice === undefined) {
    return false;
  }
  if (waiting > BEHIND_MAX) {
    hush();
  }
  for (const part of parts) {
    const words = new SpeechSynthesisUtterance(part);
    words.voice = voice;
    words.lang = language || voice.lang;
    words.onend = words.onerror = () => {
      waiting = Math.max(0, waiting - 1);
    };
    waiting += 1;
    speechSynthesis.speak(words);
  }
  return true;
}

export function hush() {
  if (isAllowed) {
    waiting = 0;
    speechSynthesis.cancel();
  }
}

function voiceFor(language) {
  const wanted = (language || "en-US").toLowerCase();
  const voices = speechSynthesis.getVoices();
  const known = (voice) => voice.lang.replace("_", "-").toLowerCase();
  return (
    voices.find((voice) => known(voice) === wanted) ??
    voices.find((voice) => known(voice).split("-")[0] === wanted.split("-")[0])
  );
}
