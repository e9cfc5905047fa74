"use strict";
// One question at a time. What is pressed is done in order, one after the other; an answer counts as given only when
// the server has said that it is on the disk.
const facts = JSON.parse(document.getElementById("facts").textContent);
const at = (id) => document.getElementById(id);
const buttons = new Map([...document.querySelectorAll("[data-label]")].map((button) => [button.dataset.label, button]));
const LONG = 220; // characters

let question = null;
let trail = []; // ids of the questions shown so far
let place = -1; // in the trail; at its end, or before it after going back
let work = Promise.resolve();

function fill(word, gaps) {
  return facts.words[word].replace(/\{(\w+)\}/g, (_, name) => gaps[name]);
}

async function ask(path, body) {
  const reply = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body ?? {}),
  });
  const found = await reply.json();
  if (!reply.ok) throw new Error(found.error);
  showState(found.state);
  return found.question;
}

function showState(state) {
  at("part").style.width = `${(100 * state.answered) / Math.max(1, state.total)}%`;
  at("progress").textContent = fill("label_progress", {
    answered: state.answered.toLocaleString("en"),
    total: state.total.toLocaleString("en"),
  });
  at("skipped").textContent = state.skipped ? fill("label_skipped", { count: state.skipped.toLocaleString("en") }) : "";
  for (const [label, button] of buttons) {
    button.querySelector("small").textContent = state.labels[label].toLocaleString("en");
  }
}

function show(found) {
  question = found;
  at("card").hidden = found === null;
  at("done").hidden = found !== null;
  for (const [label, button] of buttons) {
    button.classList.toggle("own", found !== null && (found.answer ?? found.label) === label);
    button.disabled = found === null;
  }
  if (found === null) return;
  const rows = found.rows > 1 ? [fill("label_rows", { count: found.rows.toLocaleString("en") })] : [];
  at("place").textContent = [`${found.file}:${found.row}`, ...rows].join(" · ");
  at("text").textContent = found.text;
  at("text").className = found.text.length > LONG ? "long" : "";
  at("card").scrollTop = 0;
  const remark = at("remark");
  remark.textContent = "";
  if (found.answer !== null) remark.append(fill("label_answer", { label: found.answer }));
  else if (found.label) remark.append(fill("label_present", { label: found.label }));
  if (found.suspected && found.answer === null) {
    const suspected = document.createElement("span");
    suspected.className = "suspected";
    suspected.textContent = fill("label_suspected", {});
    remark.append(" · ", suspected);
  }
}

function append(found) {
  if (found !== null && trail.at(-1) !== found.id) trail.push(found.id);
  place = found === null ? trail.length : trail.length - 1;
  show(found);
}

async function forward(path) {
  if (place < trail.length - 1) {
    place += 1;
    show(await ask("show", { id: trail[place] }));
  } else {
    append(await ask(path, question === null ? {} : { id: question.id }));
  }
}

const actions = {
  async choose(label) {
    if (question === null) return;
    const button = buttons.get(label);
    button.classList.add("pressed");
    try {
      await ask("answer", { id: question.id, label });
      await forward("next");
    } finally {
      button.classList.remove("pressed");
    }
  },
  async skip() {
    if (question !== null) await forward("skip");
  },
  async back() {
    if (place < 1) return;
    place -= 1;
    show(await ask("show", { id: trail[place] }));
  },
  async undo() {
    const found = await ask("undo");
    if (found === null) {
      say(facts.words.label_nothing_to_undo);
      return;
    }
    if (!trail.includes(found.id)) trail.unshift(found.id);
    place = trail.indexOf(found.id);
    show(found);
  },
};

function say(text) {
  at("said").textContent = text;
  at("said").hidden = !text;
}

function act(name, ...given) {
  work = work.then(async () => {
    try {
      say("");
      await actions[name](...given);
    } catch (error) {
      say(error instanceof TypeError ? facts.words.label_lost : error.message);
    }
  });
}

document.addEventListener("keydown", (event) => {
  if (event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
  const key = event.key.toLowerCase();
  if (key === "u") act("undo");
  else if (key === "arrowleft") act("back");
  else if (key === "arrowright" || key === " ") act("skip");
  else if (Object.hasOwn(facts.keys, key)) act("choose", facts.keys[key]);
  else return;
  event.preventDefault();
});
for (const [label, button] of buttons) button.addEventListener("click", () => act("choose", label));
for (const name of ["skip", "back", "undo"]) at(name).addEventListener("click", () => act(name));
actions.start = async () => append(await ask("next"));
act("start");
