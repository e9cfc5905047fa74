// Calls of the server that the page came from, and of no other.
import { forNow, hasWord, keep, kept, say } from "./dom.js";

/** What the server refuses, in the language of the page. */
export class Refusal extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

export function apiKey() {
  return kept(forNow, "key", null);
}

export function useKey(key) {
  keep(forNow, "key", key);
}

function headers() {
  const key = apiKey();
  return { "Content-Type": "application/json", ...(key ? { Authorization: `Bearer ${key}` } : {}) };
}

function lost(error, word = "lost") {
  throw error.name === "AbortError" ? error : new Refusal(say(word), 0);
}

async function send(path, options) {
  const reply = await fetch(path, { ...options, headers: headers(), credentials: "omit", redirect: "error" }).catch((error) => lost(error));
  if (reply.ok) return reply;
  if (reply.status === 401) document.dispatchEvent(new CustomEvent("key-needed"));
  throw new Refusal(await reason(reply), reply.status);
}

async function reason(reply) {
  if (reply.status === 429) return say("busy", { value: reply.headers.get("Retry-After") ?? 1 });
  if (reply.status === 401) return say(apiKey() ? "key_wrong" : "key_title");
  try {
    const body = await reply.json();
    return body.error ? refusal(body.error) : String(body.detail ?? reply.statusText);
  } catch {
    return `${reply.status} ${reply.statusText}`;
  }
}

/** Returns why something was refused: by its code in the words of the page, with the server's own where they say more. */
function refusal({ code, message }) {
  const word = `refused.${code}`;
  return say(hasWord(word) ? word : "refused", { message });
}

export async function get(path, signal) {
  return (await send(path, { signal })).json();
}

export async function post(path, body, signal) {
  return (await send(path, { method: "POST", body: JSON.stringify(body), signal })).json();
}

/** Gives each piece of a task's answer, and returns the answer as it comes whole. */
export async function streamAnswer(path, body, signal, take) {
  let answer = null;
  for await (const event of stream(path, body, signal)) {
    if (event.results) answer = event;
    else take(event.text);
  }
  return answer;
}

/** Yields the JSON values of a stream of server-sent events. */
export async function* stream(path, body, signal) {
  const reply = await send(path, { method: "POST", body: JSON.stringify({ ...body, stream: true }), signal });
  const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { value, done } = await reader.read().catch((error) => lost(error, "broken"));
      if (done) throw new Refusal(say("broken"), 0); // a stream that is whole says so
      const lines = (rest + value).split(/\r?\n/);
      rest = lines.pop();
      for (const line of lines) {
        if (!line.startsWith("data:")) continue;
        const data = line.slice(5).trim();
        if (data === "[DONE]") return;
        const event = JSON.parse(data);
        if (event.error) throw new Refusal(refusal(event.error), 500);
        yield event;
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}
