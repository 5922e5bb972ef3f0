// The stage: buttons that make something happen, all phones small, and the story as it is told.
import { act, ask } from "/demo/static/ask.js";
import { follow } from "/demo/static/live.js";
import { STATES, clock, element, secondsSince, stateOf, timeOfDay, write } from "/demo/static/words.js";

const TICK_MS = 250;
const at = (id) => document.getElementById(id);
const { speed } = document.body.dataset;
const lookedAt = Date.now();
const calls = new Map();

function take(message) {
  if (message.kind === "stage") {
    showFacts(message.facts);
    showStory(message.lines);
  } else {
    calls.set(message.person, message.call);
    showPhone(message.person);
  }
}

// ---- facts and story

function showFacts(facts) {
  const rows = facts.map((fact) => {
    const item = element("li", "", { className: fact.is_bad ? "bad" : "good" });
    item.append(element("span", `${fact.name}: `), element("strong", fact.value));
    return item;
  });
  at("facts").replaceChildren(...rows);
}

function showStory(lines) {
  const list = at("story");
  if (list === null) {
    return;
  }
  at("no-story").hidden = lines.length > 0;
  list.hidden = lines.length === 0;
  const isAtEnd = list.scrollTop + list.clientHeight >= list.scrollHeight - 8;
  list.replaceChildren(...lines.map(storyLine));
  if (isAtEnd) {
    list.scrollTop = list.scrollHeight;
  }
}

function storyLine(line) {
  const item = element("li", "", { className: line.is_speech ? "speech" : "" });
  item.append(
    element("time", timeOfDay(line.at), { dateTime: line.at }),
    element("strong", line.who),
    element("span", line.what, { dir: "auto" }),
  );
  return item;
}

// ---- acts

for (const button of document.querySelectorAll("[data-act]")) {
  button.addEventListener("click", () => play(button));
}

async function play(button) {
  if (button.getAttribute("aria-disabled") === "true") {
    return;
  }
  button.setAttribute("aria-disabled", "true");
  at("said").dataset.tone = "";
  write(at("said"), `${button.textContent} …`);
  try {
    const found = await ask("POST", `/demo/acts/${encodeURIComponent(button.dataset.act)}`, {});
    write(at("said"), found.said);
  } catch (error) {
    at("said").dataset.tone = "bad";
    write(at("said"), error.message);
  } finally {
    button.removeAttribute("aria-disabled");
  }
}

// ---- phones

function cardOf(person) {
  return document.querySelector(`[data-phone="${CSS.escape(person)}"]`);
}

function showPhone(person) {
  const card = cardOf(person);
  if (card === null) {
    return;
  }
  const call = calls.get(person);
  const state = stateOf(call, lookedAt);
  card.dataset.state = state;
  write(card.querySelector(".state strong"), STATES[state]);
  const last = call?.lines.at(-1);
  const latest = card.querySelector(".latest");
  latest.lang = last?.lang ?? "";
  write(latest, state === "ended" ? call.ending : state === "in-call" && last ? `“${last.text}”` : "");
  const wasOn = card.contains(document.activeElement);
  for (const button of card.querySelectorAll("button")) {
    const isForRinging = ["answer", "decline"].includes(button.dataset.do);
    button.hidden = state !== (isForRinging ? "ringing" : "in-call");
  }
  if (wasOn && document.activeElement === document.body) {
    (card.querySelector("button:not([hidden])") ?? card.querySelector("a")).focus();
  }
}

document.querySelector(".phones").addEventListener("click", async (event) => {
  const button = event.target.closest("button");
  if (button === null) {
    return;
  }
  const call = calls.get(button.closest("[data-phone]").dataset.phone);
  try {
    if (button.dataset.key) {
      await act(call, "press", { keys: button.dataset.key });
    } else {
      await act(call, button.dataset.do);
    }
  } catch (error) {
    if (at("said") !== null) {
      at("said").dataset.tone = "bad";
      write(at("said"), error.message);
    }
  }
});

setInterval(() => {
  for (const [person, call] of calls) {
    const shown = cardOf(person)?.querySelector(".clock");
    const state = stateOf(call, lookedAt);
    const since = { ringing: call?.ringing_at, "in-call": call?.answered_at, voicemail: call?.answered_at }[state];
    if (shown) {
      write(shown, since ? clock(secondsSince(since, speed)) : "");
    }
  }
}, TICK_MS);

follow(take);
