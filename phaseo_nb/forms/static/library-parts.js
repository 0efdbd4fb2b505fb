/**
 * What the library's browser is built of: elements, questions to the kernel, received audio.
 *
 * Words of others go in as text, never as markup.
 *
 * @typedef {{wrong?: string, field?: string, buffers: DataView[], [fact: string]: any}} Answer
 * @typedef {(what: object) => Promise<Answer>} Ask
 */

const PATIENCE = 10_000; // ms without an answer until it is said that none has come
const PAUSE = 350; // ms of not typing until what was typed is searched for

let views = 0;

/**
 * Make an element. `on…` are listeners, `text` is its text, false and null leave out.
 * @param {string} tag
 * @param {Record<string, any>} [facts]
 * @param {...(Node | string | null)} children
 * @returns {any}
 */
function h(tag, facts = {}, ...children) {
  const element = document.createElement(tag);
  // Lab takes letters for commands of its notebook unless a person is in a text field.
  if (["button", "select", "summary", "audio"].includes(tag))
    element.dataset.lmSuppressShortcuts = "true";
  for (const [name, value] of Object.entries(facts)) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "text") element.textContent = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** @param {HTMLElement} element @param {...(Node | string | null)} children */
function fill(element, ...children) {
  element.replaceChildren(...children.filter((child) => child !== null));
}

/** @param {any} select @param {[string, string][]} options */
function offer(select, options) {
  const chosen = select.value;
  const known = options.some(([value]) => value === chosen)
    ? options
    : [...options, [chosen, chosen]];
  select.replaceChildren(...known.map(([value, text]) => h("option", { value, text })));
  select.value = chosen;
}

/** @param {number} n */
const stars = (n) => `${n} ${"★".repeat(n)}${"☆".repeat(5 - n)}`;
const RATINGS = /** @type {[string, string][]} */ (
  [5, 4, 3, 2, 1].map((n) => [String(n), stars(n)])
);

/** Questions to the kernel and their answers. */
class Line {
  /** @param {any} model @param {(words: string) => void} say */
  constructor(model, say) {
    this.model = model;
    this.say = say;
    this.name = `${Date.now().toString(36)}-${(views += 1)}`;
    this.asked = 0;
    /** @type {Map<string, {done: (answer: Answer) => void, timer: number}>} */
    this.open = new Map();
    this.take = this.take.bind(this);
    model.on("msg:custom", this.take);
  }

  /** @type {Ask} */
  ask(what) {
    const ask = `${this.name}-${(this.asked += 1)}`;
    const late = () =>
      this.say("No answer yet: the kernel is busy, or gone. If it is gone, run the cell again.");
    const timer = setTimeout(late, PATIENCE);
    return new Promise((done) => {
      this.open.set(ask, { done, timer });
      this.model.send({ ...what, ask });
    });
  }

  /** @param {any} content @param {DataView[]} buffers */
  take(content, buffers) {
    const question = this.open.get(content?.answer);
    if (!question) return; // of another view of the same widget
    this.open.delete(content.answer);
    clearTimeout(question.timer);
    question.done({ ...content, buffers: buffers ?? [] });
  }

  close() {
    this.model.off("msg:custom", this.take);
    for (const { timer } of this.open.values()) clearTimeout(timer);
    this.open.clear();
  }
}

/** Addresses of what was received, for as long as it is shown. */
class Blobs {
  constructor() {
    /** @type {string[]} */
    this.urls = [];
  }

  /** @param {DataView} data @param {string} type */
  url(data, type) {
    const url = URL.createObjectURL(new Blob([/** @type {any} */ (data)], { type }));
    this.urls.push(url);
    return url;
  }

  close() {
    this.urls.splice(0).forEach((url) => URL.revokeObjectURL(url));
  }
}

/** @param {HTMLElement} says @param {string} words */
function refuse(says, words) {
  says.textContent = words;
  says.classList.toggle("pnb-wrong", Boolean(words));
}

/** @param {HTMLMediaElement} audio */
function start(audio) {
  // A browser may want a fresh press where fetching took long; the control is there for it.
  audio.play().catch(() => {});
}
