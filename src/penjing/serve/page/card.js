// What is said of a model: what it does, how good it is, how it was made, how it is called.
import { apiKey } from "./api.js";
import { draw, h, say } from "./dom.js";
import { makeCopy } from "./panel.js";

export function showHead(model, use) {
  const known = [model.taskName, model.family, model.size].filter(Boolean);
  const kicker = h("p", { class: "kicker" }, known.flatMap((text, place) => (place ? [h("span", {}, "·"), text] : [text])));
  return h("header", { class: "model-head" }, kicker, h("h1", { dir: "auto" }, model.name), h("p", { class: "lede" }, model.does), use.chief ? showChief(use) : null);
}

function showChief({ chief, part }) {
  const title = part ? `${part} · ${chief.title}` : chief.title;
  const own = h("li", { class: "own" }, h("span", { class: "name", dir: "auto" }, title), h("span", { class: "value" }, h("b", {}, chief.value), " ", h("small", {}, chief.interval)), drawRange(chief.place, "own"));
  const other = chief.baseline;
  const baseline = other ? h("li", {}, h("span", { class: "name" }, other.name), h("span", { class: "value" }, h("b", {}, other.value)), drawRange(other.place, "other")) : null;
  return h("ul", { class: "whiskers chief" }, own, baseline);
}

/** Returns a value with its interval on a line from 0 to 1; nothing for a score that is no share. */
function drawRange(place, kind) {
  if (!place) return null;
  const [value, low, high] = place.map((share) => `${100 * share}%`);
  return draw(
    "svg",
    { class: "track", "aria-hidden": "true", focusable: "false" },
    draw("line", { class: "rule", x1: "0", x2: "100%", y1: "13", y2: "13" }),
    draw("line", { class: `whisker ${kind}`, x1: low, x2: high, y1: "13", y2: "13" }),
    draw("circle", { class: `dot ${kind}`, cx: value, cy: "13", r: "5.5" }),
  );
}

export function showCard(model, use) {
  const parts = [showScores(use.scores), showFacts(model, use.labels), showMade(model.made), showCall(model, use)];
  return h("section", { class: "card", "aria-label": say("card") }, parts.filter(Boolean));
}

function fold(title, isOpen, ...children) {
  return h("details", { open: isOpen }, h("summary", {}, h("h2", {}, title)), children);
}

function showScores(scores) {
  if (!scores.rows.length) return fold(say("card_scores"), false, h("p", { class: "note" }, say("card_no_scores")));
  const head = h("tr", {}, h("td", {}), h("th", { scope: "col", class: "own" }, say("card_own")), scores.baselines.map((name) => h("th", { scope: "col" }, name)));
  const rows = scores.rows.map((row) => {
    const own = h("td", { class: "own" }, h("b", {}, row.value), " ", h("small", {}, row.interval));
    return h("tr", {}, h("th", { scope: "row" }, row.name), own, row.baselines.map((value) => h("td", {}, value)));
  });
  return fold(say("card_scores"), false, h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": say("card_scores") }, h("table", { class: "scores-table" }, h("thead", {}, head), h("tbody", {}, rows))));
}

function showFacts(model, names) {
  const rows = model.facts.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)));
  const labels = names.length ? [h("h3", {}, say("card_labels")), h("ul", { class: "label-list" }, names.map((label) => h("li", { dir: "auto" }, label)))] : [];
  return fold(say("card_facts"), false, h("dl", { class: "facts" }, rows), labels);
}

function showMade(made) {
  if (!made.length) return null;
  const rows = made.map((stage) => h("li", {}, h("b", {}, stage.stage), h("span", { dir: "auto" }, stage.files.join(", ")), h("small", {}, stage.finished), h("code", {}, stage.content)));
  return fold(say("card_made"), false, h("ol", { class: "made" }, rows));
}

/** Returns the request of the field above as a command for a terminal. */
function showCall(model, use) {
  const text = command(model, use);
  if (!text) return null;
  const code = h("pre", { tabindex: "0" }, h("code", {}, text));
  return fold(say("card_call"), false, h("p", { class: "note" }, say("card_call_note")), h("div", { class: "call" }, code, makeCopy(() => text)));
}

function command(model, use) {
  const asked = {
    labels: [`/v1/tasks/${use.path}`, { input: "…" }],
    texts: [`/v1/tasks/${use.path}`, { input: "…" }],
    writing: use.completes ? ["/v1/completions", { prompt: "…", max_tokens: Math.min(100, use.mostTokens), stream: true }] : [`/v1/tasks/${use.path}`, { input: "…" }],
    chat: use.completes ? ["/v1/chat/completions", { messages: [{ role: "user", content: "…" }], stream: true }] : ["/v1/tasks/chat", { messages: [{ role: "user", content: "…" }] }],
    answers: ["/v1/tasks/answer", { question: "…", context: "…" }],
    items: ["/v1/tasks/recommend", { history: ["…"] }],
    vectors: ["/v1/embeddings", { input: "…" }],
  }[use.view];
  if (!asked) return null;
  const [path, body] = asked;
  const whole = { model: model.name, ...(use.part ? { part: use.part } : {}), ...body };
  const key = apiKey() ? ` \\\n  -H "Authorization: Bearer $PENJING_KEY"` : "";
  return `curl ${location.origin}${path} \\\n  -H "Content-Type: application/json"${key} \\\n  -d '${JSON.stringify(whole)}'`;
}
