// What is said, line by line. The sentence that is being spoken is marked: by the time that has passed and the words up
// to there, never by whether a voice has spoken it.
import { element, secondsSince, sentenceAt, sentences, write } from "/demo/static/words.js";
import * as voice from "/demo/static/voice.js";

const list = document.getElementById("said");
const about = document.getElementById("voice");
// The same in the telephone itself, where the list is out of sight on a small screen; not for screen readers, twice.
const hearing = document.getElementById("hearing");
let sid = null;
let lines = [];

export function showSaid(call, isAloud) {
  if (call === null) {
    return;
  }
  if (call.sid !== sid) {
    sid = call.sid;
    lines = [];
    list.replaceChildren();
    write(about, "Nothing has been said yet.");
  }
  for (const spoken of call.lines.slice(lines.length)) {
    add(spoken, isAloud && call.state === "in-call");
  }
}

function add(spoken, isAloud) {
  const parts = sentences(spoken.text, spoken.lang);
  const item = element("li", "", { lang: spoken.lang });
  item.append(...parts.map((part) => element("span", part)));
  list.append(item);
  lines.push({ ...spoken, parts, item });
  list.scrollTop = list.scrollHeight;
  const hasVoice = isAloud && voice.say(parts, spoken.lang);
  const asked = `The call asks for ${spoken.voice || "the carrier's usual voice"}, ${spoken.lang || "no language"}.`;
  const missing = isAloud && !hasVoice ? " This browser has no voice for it: read along." : "";
  write(about, asked + missing);
}

export function tickSaid(call, isTalking, speed) {
  hearing.hidden = !isTalking;
  lines.forEach((line, index) => {
    const isLast = isTalking && index === lines.length - 1;
    const passed = isLast ? secondsSince(line.at, speed) : line.seconds;
    const current = sentenceAt(line.parts, line.lang, passed, line.seconds);
    mark(line, current);
    if (isLast) {
      hearing.lang = line.lang;
      write(hearing, line.parts[current] ?? "");
    }
  });
}

function mark(line, current) {
  [...line.item.children].forEach((part, index) => {
    if (index === current) {
      part.setAttribute("aria-current", "true");
    } else {
      part.removeAttribute("aria-current");
    }
  });
}
