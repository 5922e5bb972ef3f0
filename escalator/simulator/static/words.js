// How times, amounts and states are written, and where one sentence ends.

export const STATES = {
  idle: "Idle",
  ringing: "Ringing",
  "in-call": "In a call",
  voicemail: "Voicemail has it",
  ended: "Ended",
};
const RECENT_MS = 3000;

// The state that a phone shows: a call that was over long before somebody looked is not news.
export function stateOf(call, lookedAt) {
  if (call === null) {
    return "idle";
  }
  const isOld = call.state === "ended" && Date.parse(call.ended_at) < lookedAt - RECENT_MS;
  return isOld ? "idle" : call.state;
}

export function secondsSince(moment, speed) {
  return moment === null ? 0 : Math.max(0, ((Date.now() - Date.parse(moment)) / 1000) * speed);
}

export function clock(seconds) {
  const whole = Math.floor(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

export function timeOfDay(moment) {
  return new Date(moment).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });
}

export function element(name, text = "", more = {}) {
  const made = Object.assign(document.createElement(name), more);
  made.textContent = text;
  return made;
}

// Sets a text only where it differs: a live region speaks again at every change.
export function write(node, text) {
  if (node.textContent !== text) {
    node.textContent = text;
  }
}

export function sentences(text, language) {
  if (typeof Intl.Segmenter !== "function") {
    return text.match(/[^.!?。！？]+[.!?。！？]*\s*/gu) ?? [text];
  }
  return [...new Intl.Segmenter(tag(language), { granularity: "sentence" }).segment(text)].map((one) => one.segment);
}

// Which sentence is spoken after so many seconds of a text that takes `lasts`: by the words up to there. -1: none.
export function sentenceAt(parts, language, passed, lasts) {
  const counts = parts.map((part) => countWords(part, language));
  const all = counts.reduce((sum, count) => sum + count, 0);
  if (passed >= lasts) {
    return -1;
  }
  let until = 0;
  return counts.findIndex((count) => passed < ((until += count) / all) * lasts);
}

function countWords(text, language) {
  if (typeof Intl.Segmenter !== "function") {
    return Math.max(1, text.split(/\s+/u).length);
  }
  const words = new Intl.Segmenter(tag(language), { granularity: "word" }).segment(text);
  return Math.max(1, [...words].filter((word) => word.isWordLike).length);
}

function tag(language) {
  try {
    return Intl.getCanonicalLocales(language || "en-US")[0];
  } catch {
    return "en-US";
  }
}
