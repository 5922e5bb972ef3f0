// Messages to and from the phone, and the box to answer in.
import { ask } from "/demo/static/ask.js";
import { element, timeOfDay, write } from "/demo/static/words.js";

const at = (id) => document.getElementById(id);
const { number, textsGoTo, textsFrom } = document.body.dataset;
let shown = "";

export function showTexts(phone) {
  const messages = phone.messages;
  const wanted = JSON.stringify(messages);
  if (wanted === shown) {
    return;
  }
  shown = wanted;
  at("no-texts").hidden = messages.length > 0;
  at("texts").replaceChildren(...messages.map(bubble));
  const written = messages.findLast((message) => !message.is_mine);
  if (!at("reply-to").value) {
    at("reply-to").value = written?.from ?? phone.call?.from ?? "";
  }
}

function bubble(message) {
  const item = element("li", "", { className: message.is_mine ? "mine" : "theirs" });
  const sender = message.is_reply ? `${message.from} in answer` : message.from;
  const who = message.is_mine ? "You" : sender;
  item.append(
    element("p", message.body, { dir: "auto" }),
    element("p", `${who}, ${timeOfDay(message.at)}, ${message.status}`, { className: "quiet small" }),
  );
  return item;
}

at("reply").addEventListener("submit", async (event) => {
  event.preventDefault();
  const box = at("reply-body");
  const letter = {
    from: number,
    to: at("reply-to").value.trim() || textsFrom,
    body: box.value,
    url: at("reply-url").value.trim() || textsGoTo,
  };
  const wrong = whatIsWrong(letter);
  if (wrong) {
    tell(wrong);
    return;
  }
  tell("");
  try {
    const answer = await ask("POST", "/simulator/messages", letter);
    if (answer.status >= 400) {
      tell(`It was sent; the other side answered ${answer.status}.`);
    }
    box.value = "";
  } catch (error) {
    tell(`It was not taken: ${error.message}`);
  }
});

function whatIsWrong(letter) {
  if (!letter.body.trim()) {
    return "Write something first.";
  }
  if (!letter.to || !letter.url) {
    return "Say where it goes: the number, and the webhook that gets its messages.";
  }
  return "";
}

function tell(text) {
  const trouble = at("reply-trouble");
  write(trouble, text);
  trouble.hidden = text === "";
  at("reply-body").setAttribute("aria-invalid", String(text !== ""));
}
