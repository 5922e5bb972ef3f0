"use strict";
// What the board does beyond forms and links: it hears of changes and fetches the live part again, sends forms without
// leaving the page, and lets countdowns run. Everything works without it, only not by itself.
(() => {
  const body = document.body;
  const skew = Date.parse(body.dataset.now) - Date.now();
  const told = document.getElementById("told");
  const link = document.getElementById("link");
  let position = Number(body.dataset.position);
  let fetching = false;
  let wanted = false;
  let acting = 0;

  const units = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];

  function roughly(seconds) {
    const [unit, size] = units.find(([, size]) => seconds >= size) || units[3];
    return `${Math.max(0, Math.floor(seconds / size))} ${unit}`;
  }

  function clock(seconds) {
    const two = (n) => String(n).padStart(2, "0");
    const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, Math.floor(seconds) % 60];
    if (h >= 48) return roughly(seconds);
    return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
  }

  function write(node, text) {
    if (node.textContent !== text) node.textContent = text;
  }

  function tick() {
    const now = Date.now() + skew;
    for (const node of document.querySelectorAll("[data-until]")) {
      const left = (Date.parse(node.nextElementSibling.dateTime) - now) / 1000;
      write(node, left > 0 ? `in ${clock(left)}` : "now");
    }
    for (const node of document.querySelectorAll("[data-left]")) {
      write(node, `in ${roughly((Date.parse(node.previousElementSibling.dateTime) - now) / 1000)}`);
    }
    for (const node of document.querySelectorAll("[data-ago]")) {
      write(node, `${roughly((now - Date.parse(node.previousElementSibling.dateTime)) / 1000)} ago`);
    }
  }


  function settle(before) {
    const live = document.getElementById("live");
    tick();
    if (live.dataset.title) document.title = `${live.dataset.title} · escalator`;
    // What had the focus may be gone with the change: it goes to the same incident, else to the content.
    if (before && document.activeElement === body) {
      const row = before.row && document.getElementById(before.row);
      ((row && row.querySelector("a, button")) || live).focus({ preventScroll: true });
    }
  }

  function focused() {
    const node = document.activeElement;
    if (!node || node === body || !node.closest("#live")) return null;
    const row = node.closest("li[id]");
    return { row: row ? row.id : "" };
  }

  function swap(verb, address, options) {
    const before = focused();
    return htmx.ajax(verb, address, { ...options, target: "#live", swap: "outerMorph" }).then(() => settle(before));
  }

  function refresh() {
    if (position < 0) return;
    wanted = true;
    if (fetching || acting) return;
    fetching = true;
    wanted = false;
    const query = new URLSearchParams(location.search);
    query.set("since", String(position));
    swap("GET", `${location.pathname}?${query}`, { source: "#live" }).finally(() => {
      fetching = false;
      if (wanted) refresh();
    });
  }


  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches("form[data-live]")) return;
    event.preventDefault();
    if (form.dataset.busy) return;
    form.dataset.busy = "yes";
    acting += 1;
    const address = (event.submitter && event.submitter.getAttribute("formaction")) || form.getAttribute("action");
    swap("POST", address, { source: form, event }).finally(() => {
      delete form.dataset.busy;
      acting -= 1;
      if (wanted) refresh();
    });
  });
  document.addEventListener("htmx:after:request", (event) => {
    const { response, sourceElement } = event.detail.ctx;
    const word = response.headers.get("Board-Told");
    if (word) {
      write(told, word);
      if (sourceElement.matches("form")) sourceElement.reset();
    }
  });

  // A refresh that fails keeps what is shown: old incidents are better than none.
  document.addEventListener("htmx:before:response", (event) => {
    const { request, response } = event.detail.ctx;
    if (request.method !== "GET" || response.status < 500) return;
    event.preventDefault();
    write(told, "The pager could not answer just now; this page may be old.");
  });
  document.addEventListener("htmx:error", () => write(told, "The pager was not reached. Try again."));
  document.addEventListener("htmx:after:swap", () => {
    const wrong = document.querySelector("#live [aria-invalid]");
    if (wrong) wrong.focus();
  });


  let retry = 0;
  let wasLost = false;

  function say(text) {
    link.hidden = false;
    write(link, text);
  }

  function isShown(change) {
    const mine = document.getElementById("live").dataset.incident;
    return change.all || !mine || change.incidents.includes(mine);
  }

  function listen() {
    const source = new EventSource(`/events?since=${position}`);
    source.addEventListener("open", () => {
      say("live");
      if (wasLost) refresh();
      wasLost = false;
    });
    source.addEventListener("change", (event) => {
      position = Number(event.lastEventId);
      if (isShown(JSON.parse(event.data))) refresh();
    });
    source.addEventListener("error", () => {
      wasLost = true;
      if (source.readyState !== EventSource.CLOSED) return say("connecting …");
      say("asking now and then");
      clearTimeout(retry);
      retry = setTimeout(() => { refresh(); listen(); }, 15000);
    });
    addEventListener("pagehide", () => source.close(), { once: true });
  }

  tick();
  setInterval(tick, 1000);
  if (position >= 0) listen();
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
})();
