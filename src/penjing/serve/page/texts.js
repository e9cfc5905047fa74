// Translation and summarization: the text on one side, what is written on the other, as it comes.
import { post, streamAnswer } from "./api.js";
import { count, h, say } from "./dom.js";
import { makeButton, makeCopy, makeField, makeResult, Run } from "./panel.js";

export function buildTexts(use) {
  const kind = use.path === "translate" || use.path === "summarize" ? use.path : "texts";
  const path = `/v1/tasks/${use.path}`;
  const result = makeResult(say("texts_empty"));
  const field = makeField(say("texts_source"), { rows: 7, hint: say("texts_hint"), submit: () => run.start() });
  const written = h("p", { class: "written", dir: "auto" });
  const copy = makeCopy(() => written.textContent);
  copy.hidden = true;
  // What is scored is the model's own way of writing: a search with beams is left out only where that is wished for.
  const searches = use.beams > 1;
  const streams = h("input", { type: "checkbox", checked: !searches });
  const run = new Run(result, async (signal, calm) => {
    if (!field.area.value.trim()) {
      field.area.focus();
      return null;
    }
    const body = { model: use.model, input: field.area.value, ...(use.part ? { part: use.part } : {}) };
    const answer = streams.checked ? await streamed(body, signal, calm) : await post(path, body, signal);
    const [found] = answer.results;
    show(found.written);
    if (!found.written.trim()) result.show(h("p", { class: "empty" }, say("wrote_nothing")));
    if (!found.is_complete) result.body.append(h("p", { class: "note warn" }, say("texts_incomplete")));
    if (found.cut_tokens) result.body.append(h("p", { class: "note warn" }, say("cut", { count: count(found.cut_tokens) })));
    return undefined;
  });

  function show(text) {
    written.textContent = text;
    copy.hidden = !text;
    result.show(written);
  }

  /** Shows pieces as they come, and returns the answer as it comes whole. */
  function streamed(body, signal, calm) {
    let text = "";
    return streamAnswer(path, body, signal, (piece) => {
      calm();
      result.status("");
      show((text += piece));
    });
  }

  const button = makeButton(say(`${kind}_go`), run);
  if (searches) button.node.append(h("label", { class: "check" }, streams, say("texts_stream")));
  const head = h("div", { class: "pane-head" }, h("h3", { class: "pane-title" }, say(`${kind}_result`)), copy);
  const node = h("div", { class: "panes" }, h("div", {}, field.node, button.node), h("div", { class: "pane" }, head, result.node));
  return { node, run, focus: () => field.area.focus() };
}
