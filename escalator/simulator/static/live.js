// What the pages show, live. All tabs share one stream: a browser opens no more than six connections to one place,
// and four phones beside a stage would leave none to press a key with. Whoever holds the lock listens for all.
import { ask } from "/demo/static/ask.js";

const AGAIN_MS = 3000;

export function follow(take) {
  const tabs = new BroadcastChannel("demo");
  const lost = document.getElementById("lost");
  const hear = (message) => {
    if (message.kind === "link") {
      lost.hidden = message.isUp;
    } else {
      take(message);
    }
  };
  const pass = (message) => {
    hear(message);
    tabs.postMessage(message);
  };
  tabs.onmessage = (event) => hear(event.data);
  if (navigator.locks) {
    navigator.locks.request("demo-stream", () => new Promise(() => listen(pass)));
  } else {
    listen(hear);
  }
  // Another tab may have been listening for long: ask once for what it was told before.
  ask("GET", "/demo/state").then((found) => found.shown.forEach(take), () => {});
}

function listen(pass) {
  const stream = new EventSource("/demo/events");
  stream.onopen = () => pass({ kind: "link", isUp: true });
  stream.onmessage = (event) => pass(JSON.parse(event.data));
  stream.onerror = () => {
    pass({ kind: "link", isUp: false });
    if (stream.readyState === EventSource.CLOSED) {
      setTimeout(() => listen(pass), AGAIN_MS);
    }
  };
}
