// A conversation, kept in this browser alone.
import { stream, streamAnswer } from "./api.js";
import { forGood, gather, h, keep, kept, say } from "./dom.js";
import { makeField, makeResult, makeSettings, Run } from "./panel.js";
import { speed } from "./writing.js";

export function buildChat(use) {
  const place = `chat.${use.model}.${use.part ?? ""}`;
  const messages = kept(forGood, place, []);
  let conversation = 0; // grows with each new one
  const log = h("ol", { class: "log", role: "log", "aria-label": say("chat_log"), tabindex: "0" });
  const result = makeResult("");
  result.body.replaceChildren();
  const field = makeField(say("chat_hint"), { rows: 1, hint: say("chat_hint") });
  field.node.querySelector("label").className = "unseen";
  const system = makeField(say("system"), { rows: 2, value: kept(forGood, `${place}.system`, "") });
  system.area.addEventListener("change", () => keep(forGood, `${place}.system`, system.area.value));
  const settings = makeSettings({ temperature: 0.7, maxTokens: 200, mostTokens: use.mostTokens, more: [system.node] });
  const fresh = h("button", { type: "button", class: "plain", click: clear }, say("chat_new"));
  const send = h("button", { type: "button", class: "main" }, say("chat_send"));
  const run = new Run(result, answer);
  run.watch((busy) => {
    send.textContent = busy ? say("stop") : say("chat_send");
    send.classList.toggle("stop", busy);
    log.setAttribute("aria-busy", String(busy));
  });
  send.addEventListener("click", () => (run.busy ? run.stop() : submit()));
  field.area.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    if (!run.busy) submit();
  });

  function submit() {
    const text = field.area.value.trim();
    if (!text) {
      field.area.focus();
      return;
    }
    field.area.value = "";
    messages.push({ role: "user", content: text });
    show();
    run.start();
  }

  async function answer(signal, calm) {
    const asked = conversation;
    const reply = h("p", { dir: "auto" });
    const entry = bubble("assistant", reply);
    log.append(entry);
    follow(true);
    let tokens = 0;
    let began = 0;
    const written = gather((text) => {
      calm();
      result.status("");
      const stays = isAtEnd();
      reply.append(text);
      follow(stays);
    });
    const add = (text) => {
      if (!began) began = performance.now();
      written.add(text);
    };
    try {
      if (use.completes) {
        const body = { model: use.model, messages: history(), ...settings.read(), stream_options: { include_usage: true } };
        for await (const event of stream("/v1/chat/completions", body, signal)) {
          const text = event.choices?.[0]?.delta?.content;
          if (text) add(text);
          tokens = event.usage?.completion_tokens ?? tokens;
        }
      } else {
        const body = { model: use.model, messages: history(), ...settings.read(), ...(use.part ? { part: use.part } : {}) };
        await streamAnswer("/v1/tasks/chat", body, signal, add);
      }
      return speed(tokens, began);
    } finally {
      written.flush();
      if (asked === conversation) finish(reply.textContent, entry);
    }
  }

  function history() {
    const said = system.area.value.trim();
    return [...(said ? [{ role: "system", content: said }] : []), ...messages];
  }

  /** Keeps what was said; a question without an answer goes back into the field. */
  function finish(text, entry) {
    if (text.trim()) {
      messages.push({ role: "assistant", content: text });
    } else {
      entry.remove();
      const last = messages.pop();
      if (last && !field.area.value) field.area.value = last.content;
      show();
    }
    keep(forGood, place, messages.length ? messages : null);
    fresh.hidden = !messages.length;
  }

  function clear() {
    run.stop();
    conversation += 1; // the answer that was stopped belongs to none that is kept
    messages.length = 0;
    keep(forGood, place, null);
    result.status("");
    result.fault("");
    show();
    field.area.focus();
  }

  function bubble(role, content) {
    const who = role === "user" ? say("chat_you") : use.model;
    return h("li", { class: role }, h("span", { class: "who" }, who), content);
  }

  function show() {
    log.replaceChildren(...messages.map(({ role, content }) => bubble(role, h("p", { dir: "auto" }, content))));
    if (!messages.length) log.append(h("li", { class: "empty" }, h("p", {}, say("chat_empty")), h("p", { class: "note" }, say("chat_empty_note"))));
    fresh.hidden = !messages.length;
    follow(true);
  }

  const isAtEnd = () => log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  const follow = (stays) => stays && requestAnimationFrame(() => (log.scrollTop = log.scrollHeight));

  show();
  const below = h("div", { class: "actions" }, h("small", { class: "keys" }, say("chat_keys")), fresh);
  const composer = h("div", { class: "composer" }, field.node, send);
  return { node: h("div", { class: "chat" }, log, result.node, composer, below, settings.node), run, focus: () => field.area.focus() };
}
