// Which model is shown, in which colors, and with which key.
import { apiKey, get, Refusal, useKey } from "./api.js";
import { buildAnswers } from "./answers.js";
import { showCard, showHead } from "./card.js";
import { buildChat } from "./chat.js";
import { freshId, h, language, say } from "./dom.js";
import { buildItems } from "./items.js";
import { buildLabels } from "./labels.js";
import { buildTexts } from "./texts.js";
import { buildVectors } from "./vectors.js";
import { buildWriting } from "./writing.js";

const BUILDERS = { labels: buildLabels, texts: buildTexts, writing: buildWriting, chat: buildChat, answers: buildAnswers, items: buildItems, vectors: buildVectors };
const at = (id) => document.getElementById(id);
const built = new Map(); // what was typed and answered stays when another model is looked at
let served = { models: [], documents: [] };

async function load() {
  try {
    served = await get(`/v1/page/models?lang=${language}`);
  } catch (error) {
    showFault(error instanceof Refusal ? error.message : String(error));
    return;
  }
  at("key-button").hidden = apiKey() === null;
  list();
  show(false);
}

function showFault(text) {
  const again = h("button", { type: "button", class: "plain", click: load }, say("again"));
  at("model").replaceChildren(h("div", { class: "blank" }, h("p", { class: "fault", role: "alert" }, text), again));
}

function list() {
  const rows = served.models.map((model) => h("li", {}, h("a", { href: `#${encodeURIComponent(model.name)}` }, h("b", { dir: "auto" }, model.name), h("small", {}, model.taskName))));
  at("models").replaceChildren(...rows);
  document.querySelector("nav.models").hidden = served.models.length < 2;
  document.body.classList.toggle("single", served.models.length < 2);
}

function chosen() {
  let name = "";
  try {
    name = decodeURIComponent(location.hash.slice(1));
  } catch {
    // A broken address shows the first model.
  }
  return served.models.find((model) => model.name === name) ?? served.models[0];
}

function show(moves) {
  const model = chosen();
  if (!model) {
    at("model").replaceChildren(h("p", { class: "blank" }, say("nothing")));
    return;
  }
  for (const link of at("models").querySelectorAll("a")) {
    const isOwn = link.hash === `#${encodeURIComponent(model.name)}`;
    if (isOwn) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
    if (isOwn) reveal(link);
  }
  document.title = `${model.name} · Penjing`;
  if (!built.has(model.name)) built.set(model.name, build(model));
  at("model").replaceChildren(...built.get(model.name));
  if (moves) {
    at("model").focus({ preventScroll: true });
    window.scrollTo(0, 0);
  }
}

// With scrollIntoView the Tab key would go on from there, past the skip link.
function reveal(link) {
  const list = at("models").parentElement;
  const [around, own] = [list.getBoundingClientRect(), link.getBoundingClientRect()];
  list.scrollLeft += Math.min(0, own.left - around.left) || Math.max(0, own.right - around.right);
  list.scrollTop += Math.min(0, own.top - around.top) || Math.max(0, own.bottom - around.bottom);
}

function build(model) {
  const shared = { model: model.name, mostTokens: served.outputTokens };
  const uses = model.parts.length ? model.parts.map((part) => ({ ...part, ...shared, part: part.name })) : [{ ...model, ...shared, part: null }];
  const place = h("div", { class: "field-place" });
  const head = h("div");
  const card = h("div");
  const fields = new Map();
  const use = (number) => {
    const asked = uses[number];
    if (!fields.has(number)) fields.set(number, BUILDERS[asked.view]?.(asked, served.documents).node ?? null);
    place.replaceChildren(...[fields.get(number)].filter(Boolean));
    head.replaceChildren(showHead(model, asked));
    card.replaceChildren(showCard(model, asked));
  };
  use(0);
  const panel = h("section", { class: "try", "aria-label": say("try") }, uses.length > 1 ? chooser(uses, use) : null, place);
  return [head, uses.some((asked) => BUILDERS[asked.view]) ? panel : null, card].filter(Boolean);
}

function chooser(uses, use) {
  const id = freshId("part");
  const options = uses.map((asked, number) => h("option", { value: number }, `${asked.name} · ${asked.taskName}`));
  const select = h("select", { id }, options);
  select.addEventListener("change", () => use(Number(select.value)));
  return h("div", { class: "field" }, h("label", { for: id }, say("part")), select);
}

// Colors.
const dark = matchMedia("(prefers-color-scheme: dark)");
const theme = () => document.documentElement.dataset.theme ?? (dark.matches ? "dark" : "light");

function showTheme() {
  const name = say(`theme_${theme()}`);
  at("theme-button").textContent = `◐ ${name}`;
  at("theme-button").setAttribute("aria-label", say("theme", { name }));
}

at("theme-button").addEventListener("click", () => {
  const next = theme() === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = next;
  try {
    localStorage.setItem("penjing.theme", next);
  } catch {
    // Without storage it holds until the page is left.
  }
  showTheme();
});
dark.addEventListener("change", showTheme);

// Language: the same model in the other one.
const other = at("language").getAttribute("href");
const keepPlace = () => at("language").setAttribute("href", `${other}${location.hash}`);

// Keys.
function askKey() {
  at("key-button").hidden = false;
  at("key-fault").hidden = apiKey() === null;
  at("key-fault").textContent = say("key_wrong");
  at("key-forget").hidden = apiKey() === null;
  at("key-field").value = "";
  if (!at("key-dialog").open) at("key-dialog").showModal();
}

document.addEventListener("key-needed", askKey);
at("key-button").addEventListener("click", () => {
  askKey();
  at("key-fault").hidden = true;
});
at("key-close").addEventListener("click", () => at("key-dialog").close());
at("key-forget").addEventListener("click", () => {
  useKey(null);
  at("key-dialog").close();
  load();
});
at("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const key = at("key-field").value.trim();
  if (!key) {
    at("key-field").focus();
    return;
  }
  useKey(key);
  at("key-dialog").close();
  load();
});

window.addEventListener("hashchange", () => {
  keepPlace();
  show(true);
});
keepPlace();
showTheme();
load();
