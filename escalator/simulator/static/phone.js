// One phone: rings, is answered or declined, speaks, takes keys. What it shows is what the simulator says; a click asks
// the simulator to do something and waits to be told that it has happened.
import { act, ask } from "/demo/static/ask.js";
import { follow } from "/demo/static/live.js";
import * as ringer from "/demo/static/ringer.js";
import { showTexts } from "/demo/static/texts.js";
import { showSaid, tickSaid } from "/demo/static/transcript.js";
import * as voice from "/demo/static/voice.js";
import { showWire } from "/demo/static/wire.js";
import { STATES, clock, element, secondsSince, stateOf, timeOfDay, write } from "/demo/static/words.js";

const TICK_MS = 100;
const BLINK_MS = 1000;
const { person, number, name, price, speed } = document.body.dataset;
const title = document.title;
const at = (id) => document.getElementById(id);
const lookedAt = Date.now();
const stillness = matchMedia("(prefers-reduced-motion: reduce)");
let phone = null;
let state = "idle";
let isRingerOn = false;
let blinking = null;
let notice = null;

// ---- what the simulator tells

function take(message) {
  if (message.kind !== "phone" || message.person !== person) {
    return;
  }
  phone = message;
  const before = state;
  const wasHeld = at("handset").contains(document.activeElement);
  state = stateOf(phone.call, lookedAt);
  showState();
  if (before !== state) {
    change();
    // A button that cannot be used any more loses the focus: it stays on the phone.
    if (wasHeld && (document.activeElement === document.body || document.activeElement.disabled)) {
      at("keypad").focus();
    }
  }
  showSaid(phone.call, isRingerOn);
  showTexts(phone);
  showScript();
  showEarlier();
  showWire(person, phone.call);
  tick();
}

function showState() {
  const call = phone.call;
  at("handset").dataset.state = state;
  write(at("state"), STATES[state]);
  write(at("about"), aboutState(call));
  const isRinging = state === "ringing";
  const isTalking = state === "in-call";
  at("answer").disabled = !isRinging;
  at("decline").disabled = !isRinging && !isTalking;
  write(at("decline"), isTalking ? "Hang up" : "Decline");
  for (const key of at("keypad").querySelectorAll("button")) {
    key.disabled = !isTalking;
  }
  const listens = isTalking && call.is_listening;
  at("hint").hidden = !listens;
  write(at("hint"), listens ? "Keys are being listened for." : "");
  write(at("pressed"), call?.pressed || "nothing yet");
}

function aboutState(call) {
  switch (state) {
    case "ringing":
    case "in-call":
      return `Call from ${call.from}`;
    case "voicemail":
      return `Call from ${call.from}; nobody hears it`;
    case "ended":
      return call.ending;
    default:
      return "Waiting for a call.";
  }
}

function change() {
  write(at("alarm"), state === "ringing" ? `${name}'s phone rings. Call from ${phone.call.from}.` : "");
  write(at("news"), state === "ringing" ? "" : `${STATES[state]}. ${aboutState(phone.call)}`);
  if (state === "ringing") {
    ring();
  } else {
    quiet();
  }
  if (state !== "in-call") {
    voice.hush();
  }
}

// ---- ringing

function ring() {
  if (isRingerOn) {
    ringer.start();
  }
  document.title = `☎ Ringing: ${name}`;
  if (!stillness.matches) {
    blinking = setInterval(() => {
      document.title = document.title === title ? `☎ Ringing: ${name}` : title;
    }, BLINK_MS);
  }
  if (isRingerOn && document.hidden && window.Notification?.permission === "granted") {
    notice = new Notification(`${name}'s phone rings`, { body: `Call from ${phone.call.from}`, tag: person });
    notice.onclick = () => window.focus();
  }
}

function quiet() {
  ringer.stop();
  clearInterval(blinking);
  document.title = title;
  notice?.close();
  notice = null;
}

at("ringer").addEventListener("click", () => {
  isRingerOn = !isRingerOn;
  at("ringer").setAttribute("aria-pressed", String(isRingerOn));
  write(at("ringer"), isRingerOn ? "The ringer is on" : "Turn the ringer on");
  at("said-log").setAttribute("aria-live", isRingerOn ? "off" : "polite");
  write(at("ringer-about"), isRingerOn ? "Rings and speaks, as far as this browser can." : "One click, so that this page may ring and speak.");
  if (!isRingerOn) {
    ringer.forbid();
    voice.forbid();
    return;
  }
  ringer.allow();
  voice.allow();
  if (window.Notification?.permission === "default") {
    Notification.requestPermission();
  }
  if (state === "ringing") {
    ringer.start();
  }
});

// ---- being the one who holds it

async function attempt(action, body) {
  const trouble = at("trouble");
  trouble.hidden = true;
  try {
    await act(phone.call, action, body);
  } catch (error) {
    write(trouble, error.message);
    trouble.hidden = false;
  }
}

function press(key) {
  const button = at("keypad").querySelector(`[data-key="${CSS.escape(key)}"]`);
  button.classList.add("down");
  setTimeout(() => button.classList.remove("down"), 150);
  voice.hush();
  attempt("press", { keys: key });
}

at("answer").addEventListener("click", () => attempt("answer"));
at("decline").addEventListener("click", () => attempt(state === "in-call" ? "hang-up" : "decline"));
at("keypad").addEventListener("click", (event) => {
  const button = event.target.closest("[data-key]");
  if (button !== null) {
    press(button.dataset.key);
  }
});
document.addEventListener("keydown", (event) => {
  const isWriting = event.target.closest?.("input:not([type=radio]):not([type=checkbox]), textarea, select");
  const isCombined = event.ctrlKey || event.metaKey || event.altKey;
  if (isWriting || isCombined || event.repeat || !at("typing").checked || state !== "in-call") {
    return;
  }
  if (/^[0-9*#]$/u.test(event.key)) {
    event.preventDefault();
    press(event.key);
  }
});

// ---- what it does with the next call

const SCRIPTS = {
  manual: { outcome: "manual" },
  voicemail: { outcome: "voicemail", rings: 5, hangs_up_after: 60 },
  busy: { outcome: "busy", rings: 0 },
  fails: { outcome: "fails", sip: 480, rings: 0, sms_error: 30003 },
};

function showScript() {
  for (const choice of at("scripts").querySelectorAll("input")) {
    choice.checked = choice.value === phone.script;
  }
  const isOther = !(phone.script in SCRIPTS);
  at("script-about").hidden = !isOther;
  write(at("script-about"), isOther ? `Somebody gave it another script: ${phone.script}.` : "");
}

at("scripts").addEventListener("change", async (event) => {
  try {
    await ask("PUT", `/simulator/people/${encodeURIComponent(number)}`, SCRIPTS[event.target.value]);
    at("script-about").hidden = true;
  } catch (error) {
    showScript();
    write(at("script-about"), error.message);
    at("script-about").hidden = false;
  }
});

// ---- earlier calls, clock, cost

function showEarlier() {
  at("no-earlier").hidden = phone.earlier.length > 0;
  const rows = phone.earlier.toReversed().map((call) => {
    const lasted = call.duration === null ? "" : ` It lasted ${clock(call.duration)}.`;
    const pressed = call.pressed ? ` Pressed: ${call.pressed}.` : "";
    return element("li", `${timeOfDay(call.at)}: ${call.ending}${lasted}${pressed}`);
  });
  at("earlier").replaceChildren(...rows);
}

function tick() {
  const call = phone?.call ?? null;
  const isTalking = state === "in-call" || state === "voicemail";
  const seconds = isTalking ? secondsSince(call.answered_at, speed) : (call?.duration ?? 0);
  const shown = state === "ringing" ? secondsSince(call.ringing_at, speed) : seconds;
  at("clock").hidden = state === "idle";
  write(at("clock"), clock(shown));
  const minutes = isTalking ? Math.floor(seconds / 60) + 1 : Math.ceil(seconds / 60);
  write(at("cost"), `$${(minutes * price).toFixed(2)}`);
  write(at("cost-about"), `for ${minutes} minute${minutes === 1 ? "" : "s"} begun`);
  tickSaid(call, isTalking, speed);
}

setInterval(tick, TICK_MS);
follow(take);
