// Questions, answered in a text or over a folder of documents, with the passage.
import { post } from "./api.js";
import { count, freshId, h, percent, say } from "./dom.js";
import { makeButton, makeField, makeResult, Run } from "./panel.js";

export function buildAnswers(use, documents) {
  const result = makeResult(say("answers_empty"));
  const submit = () => run.start();
  const question = makeField(say("answers_question"), { rows: 1, hint: say("answers_question_hint"), submit });
  const context = makeField(say("answers_context"), { rows: 5, hint: say("answers_context_hint"), submit });
  const id = freshId("where");
  const choices = [h("option", { value: "" }, say("answers_text")), ...documents.map((name) => h("option", { value: name }, name))];
  const where = h("select", { id }, choices);
  const place = h("div", { class: "field place" }, h("label", { for: id }, say("answers_where")), where);
  place.hidden = !documents.length;
  where.addEventListener("change", () => (context.node.hidden = where.value !== ""));
  const run = new Run(result, async (signal) => {
    const missing = [question.area, ...(where.value ? [] : [context.area])].find((area) => !area.value.trim());
    if (missing) {
      missing.focus();
      return null;
    }
    const source = where.value ? { documents: where.value } : { context: context.area.value };
    const body = { model: use.model, question: question.area.value, ...source, ...(use.part ? { part: use.part } : {}) };
    const [found] = (await post("/v1/tasks/answer", body, signal)).results;
    result.show(found.answers ? showCited(found.answers) : showAnswer(found, source.context));
    return undefined;
  });
  const button = makeButton(say("answers_go"), run);
  const show = result.show;
  result.show = (...children) => {
    show(...children);
    for (const mark of result.body.querySelectorAll(".found")) turnTo(mark);
  };
  return { node: h("div", {}, question.node, place, context.node, button.node, result.node), run, focus: () => question.area.focus() };
}

/** Scrolls a long passage, and nothing else, to what was found in it. */
function turnTo(mark) {
  const passage = mark.closest(".passage");
  passage.scrollTop += mark.getBoundingClientRect().top - passage.getBoundingClientRect().top - passage.clientHeight / 3;
}

function showAnswer(found, text) {
  if (!found.is_answerable) return h("p", { class: "verdict-line none" }, say("answers_none"), h("span", {}, say("answers_sure", { value: percent(found.probability) })));
  const head = h("p", { class: "verdict-line" }, h("b", { dir: "auto" }, found.answer), h("span", {}, say("answers_sure", { value: percent(found.probability) })));
  if (found.start === null) return head;
  // The server counts characters, JavaScript halves of some of them.
  return [head, h("blockquote", { class: "passage", dir: "auto" }, ...marked(text, found.start, found.end))];
}

function showCited(answers) {
  if (!answers.length) return h("p", { class: "verdict-line none" }, say("answers_none_documents"));
  const rows = answers.map((item) => {
    const where = say("answers_place", { file: item.file, start: count(item.start), end: count(item.end) });
    const passage = marked(item.passage, item.start - item.passage_start, item.end - item.passage_start);
    return h(
      "li",
      {},
      h("p", { class: "verdict-line" }, h("b", { dir: "auto" }, item.answer), h("span", {}, say("answers_sure", { value: percent(item.probability) }))),
      h("blockquote", { class: "passage", dir: "auto" }, ...passage),
      h("p", { class: "note" }, where),
    );
  });
  return h("ol", { class: "cited" }, rows);
}

function marked(text, start, end) {
  const characters = [...text];
  const part = (from, to) => characters.slice(from, to).join("");
  return [part(0, start), h("mark", { class: "found" }, part(start, end)), part(end)];
}
