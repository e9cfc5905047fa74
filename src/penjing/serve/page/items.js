// Items that somebody had, and those that may come next.
import { get, post } from "./api.js";
import { freshId, h, say } from "./dom.js";
import { makeButton, makeResult, Run } from "./panel.js";

const TYPING_MS = 120;

export function buildItems(use) {
  const history = []; // { id, text }, id null where it is new
  const result = makeResult(say("items_empty"));
  const run = new Run(result, async (signal) => {
    if (!history.length) {
      input.focus();
      return null;
    }
    const body = { model: use.model, history: history.map((item) => item.id ?? item.text) };
    const [found] = (await post("/v1/tasks/recommend", body, signal)).results;
    result.show(showRanking(found));
    return undefined;
  });
  const id = freshId("items");
  const listId = freshId("found");
  const input = h("input", { id, type: "text", role: "combobox", autocomplete: "off", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": listId, placeholder: say("items_hint_free") });
  const list = h("ul", { id: listId, role: "listbox", class: "found", "aria-label": say("items_field"), hidden: true });
  const chosen = h("ol", { class: "history", "aria-label": say("items_history") });
  let found = [];
  let active = -1;
  let timer = 0;
  let last = null;

  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(search, TYPING_MS);
  });
  input.addEventListener("focus", search);
  input.addEventListener("blur", () => setTimeout(close, 150));
  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") move(event.key === "ArrowDown" ? 1 : -1);
    else if (event.key === "Escape") close();
    else if (event.key === "Backspace" && !input.value && history.length) remove(history.length - 1);
    else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) run.start();
    else if (event.key === "Enter" && active >= 0) add(found[active]);
    else if (event.key === "Enter" && input.value.trim()) add(found.length === 1 ? found[0] : { id: null, text: input.value.trim() });
    else return;
    event.preventDefault();
  });

  async function search() {
    last?.abort();
    last = new AbortController();
    try {
      const query = new URLSearchParams({ model: use.model, text: input.value.trim() });
      found = (await get(`/v1/page/items?${query}`, last.signal)).items.filter((item) => !history.some((had) => had.id === item.id));
    } catch (error) {
      if (error.name !== "AbortError") result.fault(error.message);
      return;
    }
    active = -1;
    if (document.activeElement === input) open();
  }

  function open() {
    list.replaceChildren(
      ...found.map((item, place) =>
        h("li", { id: `${listId}-${place}`, role: "option", "aria-selected": "false", pointerdown: (event) => (event.preventDefault(), add(item)) }, item.text, h("small", {}, item.id)),
      ),
    );
    list.hidden = !found.length;
    input.setAttribute("aria-expanded", String(!list.hidden));
    input.removeAttribute("aria-activedescendant");
  }

  function close() {
    list.hidden = true;
    active = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }

  function move(step) {
    if (list.hidden) open();
    if (!found.length) return;
    active = (active + step + found.length + (active < 0 && step < 0 ? 1 : 0)) % found.length;
    [...list.children].forEach((row, place) => row.setAttribute("aria-selected", String(place === active)));
    input.setAttribute("aria-activedescendant", `${listId}-${active}`);
    list.children[active].scrollIntoView({ block: "nearest" });
  }

  function add(item) {
    history.push(item);
    input.value = "";
    close();
    show();
    run.start();
    input.focus();
  }

  function remove(place) {
    history.splice(place, 1);
    show();
    if (history.length) run.start();
    else {
      run.stop();
      result.reset();
      result.status("");
    }
    input.focus();
  }

  function show() {
    chosen.replaceChildren(
      ...history.map((item, place) =>
        h("li", {}, h("span", { dir: "auto" }, item.text), item.id === null ? h("small", {}, say("items_new")) : null, h("button", { type: "button", class: "remove", "aria-label": say("items_remove", { name: item.text }), click: () => remove(place) }, "×")),
      ),
    );
    chosen.hidden = !history.length;
  }

  show();
  const button = makeButton(say("items_go"), run);
  const field = h("div", { class: "field combo" }, h("label", { for: id }, say("items_field")), input, list);
  return { node: h("div", {}, chosen, field, button.node, result.node), run, focus: () => input.focus() };
}

function showRanking(found) {
  const rows = found.items.map((item) => h("li", {}, h("span", { dir: "auto" }, item.text), h("small", {}, item.score.toFixed(2))));
  return [h("h3", {}, say("items_next")), h("ol", { class: "ranking" }, rows)];
}
