// How alike two texts are.
import { post } from "./api.js";
import { h, say } from "./dom.js";
import { makeButton, makeField, makeResult, Run } from "./panel.js";

export function buildVectors(use) {
  const result = makeResult(say("vectors_empty"));
  const submit = () => run.start();
  const fields = [say("vectors_first"), say("vectors_second")].map((label) => makeField(label, { rows: 3, hint: say("texts_hint"), submit }));
  const run = new Run(result, async (signal) => {
    const missing = fields.find((field) => !field.area.value.trim());
    if (missing) {
      missing.area.focus();
      return null;
    }
    const body = { model: use.model, input: fields.map((field) => field.area.value) };
    const [first, second] = (await post("/v1/embeddings", body, signal)).data.map((item) => item.embedding);
    result.show(h("p", { class: "verdict-line" }, h("b", {}, cosine(first, second).toFixed(3))), h("p", { class: "note" }, say("vectors_result")));
    return undefined;
  });
  const button = makeButton(say("vectors_go"), run);
  return { node: h("div", {}, h("div", { class: "panes" }, fields.map((field) => field.node)), button.node, result.node), run, focus: () => fields[0].area.focus() };
}

function cosine(first, second) {
  const dot = (a, b) => a.reduce((sum, value, place) => sum + value * b[place], 0);
  return dot(first, second) / Math.sqrt(dot(first, first) * dot(second, second));
}
