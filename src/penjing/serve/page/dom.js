// Elements, words, and what is kept in the browser.
const facts = JSON.parse(document.getElementById("facts").textContent);
export const language = facts.language;

/** Returns a word of the page with its gaps filled. */
export function say(word, gaps = {}) {
  const text = facts.words[word];
  if (text === undefined) throw new Error(`no word ${word}`);
  return text.replace(/\{(\w+)\}/g, (_, name) => String(gaps[name]));
}

/** Returns whether the page has such a word. */
export function hasWord(word) {
  return facts.words[word] !== undefined;
}

/** Returns an element; attributes that are functions listen, null and false are left out, children are text or nodes. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name, value);
    else if (name === "value") element.value = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Returns an SVG element. */
export function draw(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

let last = 0;
/** Returns an id that nothing else has. */
export function freshId(name) {
  last += 1;
  return `${name}-${last}`;
}

/** Returns 81.3%. */
export function percent(share) {
  return `${(100 * share).toFixed(1)}%`;
}

/** Puts texts that come fast down once a frame, so that a page stays quick; flush() puts down the rest. */
export function gather(put) {
  let waiting = "";
  let frame = 0;
  const flush = () => {
    cancelAnimationFrame(frame);
    frame = 0;
    const text = waiting;
    waiting = "";
    if (text) put(text);
  };
  const add = (text) => {
    waiting += text;
    frame ||= requestAnimationFrame(flush);
  };
  return { add, flush };
}

/** Returns 12,345. */
export function count(number) {
  return number.toLocaleString("en");
}

/** Keeps values under a name in a storage; where that is switched off or full, nothing is kept. */
export function keep(storage, name, value) {
  try {
    if (value === null) storage().removeItem(`penjing.${name}`);
    else storage().setItem(`penjing.${name}`, JSON.stringify(value));
  } catch {
    // Without storage the page works, and forgets.
  }
}

/** Returns what was kept, or something else where there is nothing. */
export function kept(storage, name, otherwise) {
  try {
    const found = storage().getItem(`penjing.${name}`);
    return found === null ? otherwise : JSON.parse(found);
  } catch {
    return otherwise;
  }
}

export const forGood = () => localStorage;
export const forNow = () => sessionStorage;
