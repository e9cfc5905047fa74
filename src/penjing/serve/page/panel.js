// The parts that all fields have in common: labelled inputs, a button that works and stops, and a place for answers.
import { freshId, h, say } from "./dom.js";
import { Refusal } from "./api.js";

const PATIENCE_MS = 300; // before the page says that it works: most answers come sooner
const LOADING_MS = 2500; // before it says why the first one takes long

/** Returns a labelled text area. */
export function makeField(label, { rows = 3, hint = "", value = "", submit = null } = {}) {
  const id = freshId("field");
  const area = h("textarea", { id, rows, placeholder: hint, dir: "auto", spellcheck: "false" });
  area.value = value;
  if (submit) {
    area.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.isComposing) return;
      event.preventDefault();
      submit();
    });
  }
  return { area, node: h("div", { class: "field" }, h("label", { for: id }, label), area) };
}

/** Returns a labelled number. */
export function makeNumber(label, note, { value, min, max, step }) {
  const id = freshId("number");
  const described = note ? freshId("note") : null;
  const input = h("input", { id, type: "number", min, max, step, value, inputmode: "decimal", "aria-describedby": described });
  const node = h("div", { class: "number" }, h("label", { for: id }, label), input);
  if (note) node.append(h("small", { id: described }, note));
  const read = () => {
    const number = input.valueAsNumber;
    return Number.isFinite(number) ? Math.min(Number(max), Math.max(Number(min), number)) : null;
  };
  return { input, node, read };
}

/** Returns a button that does work, and stops it while it is under way. */
export function makeButton(label, run, { hint = say("keys_hint") } = {}) {
  const button = h("button", { type: "button", class: "main", click: () => run.press() }, label);
  run.watch((busy) => {
    button.textContent = busy ? say("stop") : label;
    button.classList.toggle("stop", busy);
  });
  const node = h("div", { class: "actions" }, button);
  if (hint) node.append(h("small", { class: "keys", "aria-hidden": "true" }, hint));
  return { button, node };
}

/** Returns a place for answers: what stands there first, the answer, and how it was come by. */
export function makeResult(empty) {
  const body = h("div", { class: "answer-body" }, h("p", { class: "empty" }, empty));
  const status = h("p", { class: "status", role: "status" });
  const fault = h("p", { class: "fault", role: "alert", hidden: true });
  const node = h("div", { class: "result" }, h("div", { "aria-live": "polite", "aria-atomic": "false" }, body), fault, status);
  return {
    node,
    body,
    show: (...children) => body.replaceChildren(...children.flat().filter(Boolean)),
    reset: () => body.replaceChildren(h("p", { class: "empty" }, empty)),
    status: (text) => (status.textContent = text),
    fault: (text) => {
      fault.textContent = text;
      fault.hidden = !text;
    },
    busy: (is) => {
      node.classList.toggle("busy", is);
      body.parentElement.setAttribute("aria-busy", String(is));
    },
  };
}

/** Does one piece of work at a time: it is told when to stop, its time is taken, and what fails is said. */
export class Run {
  #watchers = [];
  #stop = null;

  constructor(result, work) {
    this.result = result;
    this.work = work;
  }

  get busy() {
    return this.#stop !== null;
  }

  watch(watcher) {
    this.#watchers.push(watcher);
  }

  press() {
    if (this.busy) this.stop();
    else this.start();
  }

  stop() {
    this.#stop?.abort();
  }

  async start(...given) {
    this.stop();
    const stop = new AbortController();
    this.#stop = stop;
    const began = performance.now();
    const { result } = this;
    result.fault("");
    result.status("");
    const slow = [
      setTimeout(() => result.status(say("working")), PATIENCE_MS),
      setTimeout(() => result.status(say("loading_model")), LOADING_MS),
    ];
    const calm = () => {
      slow.forEach(clearTimeout);
      result.node.classList.remove("busy"); // what stands there now is new
    };
    this.#tell(true);
    try {
      const said = await this.work(stop.signal, calm, ...given);
      calm();
      const seconds = (performance.now() - began) / 1000;
      if (said !== null) result.status(said ?? say("seconds", { value: seconds.toFixed(seconds < 10 ? 2 : 1) }));
    } catch (error) {
      calm();
      result.status("");
      if (error.name !== "AbortError") result.fault(error instanceof Refusal ? error.message : String(error));
    } finally {
      if (this.#stop === stop) {
        this.#stop = null;
        this.#tell(false);
      }
    }
  }

  #tell(busy) {
    this.result.busy(busy);
    for (const watcher of this.#watchers) watcher(busy);
  }
}

/** Returns a button that copies a text. */
export function makeCopy(read) {
  const button = h("button", { type: "button", class: "plain copy" }, say("copy"));
  button.addEventListener("click", async () => {
    button.textContent = (await copyText(read(), button)) ? say("copied") : say("copy_failed");
    setTimeout(() => (button.textContent = say("copy")), 1500);
  });
  return button;
}

/** Puts a text where it can be pasted from, and returns whether it is there; a page over plain HTTP has no clipboard. */
async function copyText(text, button) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copySelected(text, button);
  }
}

function copySelected(text, button) {
  const area = h("textarea", { class: "unseen", "aria-hidden": "true", readonly: true, value: text });
  button.after(area);
  area.select();
  const isCopied = document.execCommand("copy");
  area.remove();
  button.focus();
  return isCopied;
}

/** Returns the settings of what writes; the server writes no more than mostTokens. */
export function makeSettings({ temperature, maxTokens, mostTokens, more = [] }) {
  const warmth = makeNumber(say("temperature"), say("temperature_note"), { value: temperature, min: 0, max: 2, step: 0.1 });
  const most = makeNumber(say("max_tokens"), "", { value: Math.min(maxTokens, mostTokens), min: 1, max: mostTokens, step: 1 });
  const seed = makeNumber(say("seed"), say("seed_note"), { value: "", min: 0, max: 2 ** 31, step: 1 });
  const node = h("details", { class: "settings" }, h("summary", {}, say("settings")), h("div", { class: "numbers" }, warmth.node, most.node, seed.node), more);
  const read = () => {
    const given = { temperature: warmth.read(), max_tokens: most.read(), seed: seed.read() };
    return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null));
  };
  return { node, read };
}
