// The drawer: what went over the wire for the call, and what came back. Asked for only while it is open.
import { ask } from "/demo/static/ask.js";
import { element, timeOfDay } from "/demo/static/words.js";

const drawer = document.getElementById("wire");
const list = document.getElementById("wire-entries");
let person = "";
let known = "";
let wanted = "none";
let isAsking = false;

export function showWire(whose, call) {
  person = whose;
  wanted = call === null ? "none" : `${call.sid} ${call.wire}`;
  fill();
}

drawer.addEventListener("toggle", fill);

async function fill() {
  if (!drawer.open || known === wanted || isAsking) {
    return;
  }
  isAsking = true;
  const version = wanted;
  try {
    const found = await ask("GET", `/demo/phone/${encodeURIComponent(person)}/wire`);
    show(found.wire);
    known = version;
  } catch {
    known = version;
  } finally {
    isAsking = false;
  }
  fill();
}

function show(entries) {
  document.getElementById("no-wire").hidden = entries.length > 0;
  const open = new Set([...list.querySelectorAll("details[open]")].map((one) => one.dataset.index));
  list.replaceChildren(...entries.map((entry, index) => row(entry, index, open.has(String(index)))));
}

function row(entry, index, isOpen) {
  const item = element("li");
  const details = element("details", "", { open: isOpen });
  details.dataset.index = index;
  const summary = element("summary");
  const what = entry.event ? `${entry.kind}: ${entry.event}` : entry.kind;
  summary.append(
    element("strong", what),
    element("span", ` ${timeOfDay(entry.at)} → ${outcome(entry)}`, { className: "quiet small" }),
  );
  details.append(summary, code(`${entry.method} ${entry.url}\n\n${form(entry)}`, `Request: ${what}`));
  if (entry.body) {
    details.append(code(entry.body, `Answer: ${what}`));
  }
  item.append(details);
  return item;
}

function outcome(entry) {
  if (entry.status !== null) {
    return `${entry.status} ${entry.content_type ?? ""}`.trim();
  }
  return entry.error === null ? "no answer yet" : `failed: ${entry.error}`;
}

function form(entry) {
  const filled = entry.fields.filter(([, value]) => value !== "");
  return filled.map(([name, value]) => `${name}=${value}`).join("\n");
}

function code(text, label) {
  const box = element("pre", "", { tabIndex: 0 });
  box.setAttribute("role", "region");
  box.setAttribute("aria-label", label);
  box.append(element("code", text));
  return box;
}
