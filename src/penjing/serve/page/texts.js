// Translation and summarization: the text on one side, what is written on the other.
import { post } from "./api.js";
import { count, h, say } from "./dom.js";
import { makeButton, makeCopy, makeField, makeResult, Run } from "./panel.js";

export function buildTexts(use) {
  const kind = use.path === "translate" || use.path === "summarize" ? use.path : "texts";
  const result = makeResult(say("texts_empty"));
  const field = makeField(say("texts_source"), { rows: 7, hint: say("texts_hint"), submit: () => run.start() });
  let written = "";
  const copy = makeCopy(() => written);
  copy.hidden = true;
  const run = new Run(result, async (signal) => {
    if (!field.area.value.trim()) {
      field.area.focus();
      return null;
    }
    const body = { model: use.model, input: field.area.value, ...(use.part ? { part: use.part } : {}) };
    const [found] = (await post(`/v1/tasks/${use.path}`, body, signal)).results;
    written = found.written;
    copy.hidden = !written;
    result.show(
      h("p", { class: "written", dir: "auto" }, written),
      found.is_complete ? null : h("p", { class: "note warn" }, say("texts_incomplete")),
      found.cut_tokens ? h("p", { class: "note warn" }, say("cut", { count: count(found.cut_tokens) })) : null,
    );
    return undefined;
  });
  const button = makeButton(say(`${kind}_go`), run);
  const head = h("div", { class: "pane-head" }, h("h3", { class: "pane-title" }, say(`${kind}_result`)), copy);
  const node = h("div", { class: "panes" }, h("div", {}, field.node, button.node), h("div", { class: "pane" }, head, result.node));
  return { node, run, focus: () => field.area.focus() };
}
