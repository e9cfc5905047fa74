// Texts that are answered with labels, and the words that the answer rests on.
import { post } from "./api.js";
import { count, h, percent, say } from "./dom.js";
import { makeButton, makeField, makeResult, Run } from "./panel.js";

const MOST_BARS = 8;
const SHADES = 5;
const BEST_WORDS = 5;

export function buildLabels(use) {
  const result = makeResult(say("labels_empty"));
  const field = makeField(say("labels_text"), { rows: 3, hint: say("labels_hint"), submit: () => run.start() });
  const sentences = h("input", { type: "checkbox" });
  const run = new Run(result, async (signal, calm) => {
    const text = field.area.value;
    if (!text.trim()) {
      field.area.focus();
      return null;
    }
    const body = { model: use.model, input: text, sentences: sentences.checked, ...(use.part ? { part: use.part } : {}) };
    const answer = await post(`/v1/tasks/${use.path}`, body, signal);
    calm();
    result.status("");
    await show(answer.results[0], signal);
    return undefined;
  });
  const button = makeButton(say("labels_go"), run);
  button.node.append(h("label", { class: "check" }, sentences, say("labels_sentences")));

  async function show(found, signal) {
    if (found.sentences) {
      result.show(showSentences(found));
      return;
    }
    const why = h("div", { class: "why" });
    result.show(showLabels(found, use.explains ? (label) => explain(found.text, label, why) : null), why, showCut(found));
    if (use.explains) await explain(found.text, null, why, signal);
  }

  async function explain(text, label, place, signal) {
    place.classList.add("busy");
    try {
      const body = { model: use.model, input: text, ...(label ? { label } : {}) };
      place.replaceChildren(...showHeat((await post("/v1/explain", body, signal)).results[0]));
    } catch (error) {
      if (error.name === "AbortError") throw error;
      place.replaceChildren(h("p", { class: "note" }, error.status === 400 ? say("labels_not_explained") : error.message));
    } finally {
      place.classList.remove("busy");
    }
  }

  const examples = use.hasExamples ? showExamples(field, run) : null;
  return { node: h("div", {}, field.node, examples, button.node, result.node), run, focus: () => field.area.focus() };
}

function showExamples(field, run) {
  const take = (text) => () => {
    field.area.value = text;
    run.start();
  };
  const texts = [1, 2, 3].map((number) => say(`example.sentiment.${number}`));
  const buttons = texts.map((text) => h("li", {}, h("button", { type: "button", class: "chip", click: take(text) }, text)));
  return h("div", { class: "examples" }, h("span", { class: "note" }, say("examples")), h("ul", {}, buttons));
}

function showLabels(found, explain) {
  const given = found.labels ?? [found.label];
  const probabilities = Object.entries(found.probabilities);
  // Labels in order stay in order; any others are shown the likeliest first.
  const ordered = found.expected === undefined ? probabilities.sort((a, b) => b[1] - a[1]) : probabilities;
  const head = given.length
    ? h("p", { class: "verdict-line" }, given.map((label) => h("b", { dir: "auto" }, label)), found.label ? h("span", {}, percent(found.probability)) : null)
    : h("p", { class: "verdict-line none" }, say("labels_none"));
  if (found.expected !== undefined) head.append(h("span", {}, say("labels_expected", { value: found.expected.toFixed(1) })));
  const rows = ordered.slice(0, MOST_BARS).map(([label, share]) => {
    const name = explain ? h("button", { type: "button", class: "bar-name", dir: "auto", click: () => explain(label) }, label) : h("span", { class: "bar-name", dir: "auto" }, label);
    const fill = h("span", { class: "fill" });
    fill.style.width = percent(share);
    const track = h("span", { class: "bar-track" }, fill);
    if (found.threshold !== undefined) {
      const mark = h("span", { class: "threshold" });
      mark.style.left = percent(found.threshold);
      track.append(mark);
    }
    return h("li", { class: given.includes(label) ? "own" : null }, name, track, h("span", { class: "bar-value" }, percent(share)));
  });
  const rest = ordered.length - MOST_BARS;
  return [
    head,
    h("ul", { class: "bars" }, rows),
    rest > 0 ? h("p", { class: "note" }, say("labels_more", { count: count(rest) })) : null,
    found.threshold !== undefined ? h("p", { class: "note" }, say("labels_threshold", { value: percent(found.threshold) })) : null,
  ].filter(Boolean).reduce((all, node) => (all.append(node), all), h("div", {}));
}

function showCut(found) {
  return found.cut_tokens ? h("p", { class: "note warn" }, say("cut", { count: count(found.cut_tokens) })) : null;
}

/** Returns the text with each word on the ground of its score, and the same said in a sentence. */
function showHeat(explained) {
  const characters = [...explained.text]; // as the server counts, not JavaScript's halves of some of them
  const part = (from, to) => characters.slice(from, to).join("");
  const highest = Math.max(...explained.words.map((word) => Math.abs(word.score)), 0);
  const heat = h("p", { class: "heat", dir: "auto" });
  let place = 0;
  const unread = (word) => explained.not_read.some(([start, end]) => start <= word.start && word.start < end);
  for (const word of explained.words) {
    if (word.start > place) heat.append(part(place, word.start));
    const depth = highest ? Math.round((SHADES * Math.abs(word.score)) / highest) : 0;
    const side = word.score > 0 ? "for" : "against";
    if (unread(word)) heat.append(h("s", { class: "unread" }, word.word));
    else if (depth) heat.append(h("mark", { class: `${side}-${depth}`, title: signed(word.score) }, word.word));
    else heat.append(word.word);
    place = word.end;
  }
  heat.append(part(place));
  const best = [...explained.words].sort((a, b) => Math.abs(b.score) - Math.abs(a.score)).slice(0, BEST_WORDS);
  const words = best.map((word) => `${word.word} ${signed(word.score)}`).join("; ");
  return [
    h("h3", {}, say("labels_why", { label: explained.label })),
    heat,
    h("p", { class: "unseen" }, say("labels_best_words", { words })),
    h("p", { class: "note legend" }, h("mark", { class: "for-4" }, say("labels_for")), " ", h("mark", { class: "against-4" }, say("labels_against")), " ", say("labels_why_note")),
  ];
}

function signed(score) {
  return `${score < 0 ? "−" : "+"}${Math.abs(score).toFixed(2)}`;
}

function showSentences(found) {
  const rows = found.sentences.map((sentence) => {
    const given = sentence.labels ?? [sentence.label];
    const share = sentence.probability ?? Math.max(0, ...given.map((label) => sentence.probabilities[label]));
    return h("li", {}, h("p", { dir: "auto" }, sentence.text), h("p", { class: "sentence-label" }, h("b", {}, given.join(" · ") || say("labels_none")), given.length ? h("span", {}, percent(share)) : null));
  });
  return h("ol", { class: "sentences" }, rows);
}
