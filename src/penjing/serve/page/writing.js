// Texts that are gone on with, as they come.
import { stream, streamAnswer } from "./api.js";
import { count, gather, h, say } from "./dom.js";
import { makeButton, makeCopy, makeField, makeResult, makeSettings, Run } from "./panel.js";

export function buildWriting(use) {
  const result = makeResult(say("writing_empty"));
  const field = makeField(say("writing_prompt"), { rows: 4, hint: say("writing_hint"), submit: () => run.start() });
  const settings = makeSettings({ temperature: 0.8, maxTokens: 120, mostTokens: use.mostTokens });
  const beginning = h("span", { class: "beginning" });
  const added = h("span", { class: "added" });
  const whole = () => beginning.textContent + added.textContent;
  const copy = makeCopy(whole);
  const more = h("button", { type: "button", class: "plain", click: () => run.start(true) }, say("writing_more"));
  const after = h("div", { class: "actions after" }, more, copy);
  const run = new Run(result, async (signal, calm, isMore = false) => {
    const prompt = isMore ? whole() : field.area.value;
    beginning.textContent = prompt;
    added.textContent = "";
    result.show(h("p", { class: "written prose", dir: "auto" }, beginning, added), after);
    after.hidden = true;
    const written = gather((text) => {
      calm();
      result.status("");
      added.append(text);
    });
    try {
      return await (use.completes ? completed(prompt, signal, written) : answered(prompt, signal, written));
    } finally {
      written.flush();
      after.hidden = !added.textContent;
    }
  });

  async function completed(prompt, signal, written) {
    const body = { model: use.model, prompt, ...settings.read(), stream_options: { include_usage: true } };
    let tokens = 0;
    let began = 0;
    for await (const event of stream("/v1/completions", body, signal)) {
      const text = event.choices?.[0]?.text;
      if (text) {
        if (!began) began = performance.now();
        written.add(text);
      }
      tokens = event.usage?.completion_tokens ?? tokens;
    }
    return speed(tokens, began);
  }

  async function answered(prompt, signal, written) {
    const body = { model: use.model, input: prompt, ...settings.read(), ...(use.part ? { part: use.part } : {}) };
    await streamAnswer(`/v1/tasks/${use.path}`, body, signal, written.add);
    written.flush();
    return added.textContent ? undefined : say("wrote_nothing");
  }

  const button = makeButton(say("writing_go"), run);
  return { node: h("div", {}, field.node, button.node, settings.node, result.node), run, focus: () => field.area.focus() };
}

/** Returns how many tokens came, and how fast; or that none came. */
export function speed(tokens, began) {
  const seconds = (performance.now() - began) / 1000;
  if (!began) return say("wrote_nothing");
  if (!tokens || seconds <= 0) return "";
  return say(tokens === 1 ? "token_speed" : "tokens_speed", { count: count(tokens), rate: count(Math.round(tokens / seconds)) });
}
