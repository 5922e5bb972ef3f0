// Requests to the simulator. All of them are JSON, as its guard demands of whoever changes something.

export async function ask(method, path, body) {
  const options = { method, headers: {} };
  if (body !== undefined) {
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    throw new Error("The simulator does not answer. If the demo has ended, this page is over.");
  }
  const found = await answer.json().catch(() => ({}));
  if (!answer.ok) {
    throw new Error(found.error?.message ?? `The simulator answered ${answer.status}.`);
  }
  return found;
}

export function act(call, action, body = {}) {
  return ask("POST", `/simulator/calls/${encodeURIComponent(call.sid)}/${action}`, body);
}
