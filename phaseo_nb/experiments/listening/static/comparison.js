/**
 * The listening test. The page knows letters and a trial's random name; what they stand for is
 * the kernel's to know. The files deck.js, desk.js and library-parts.js are joined with this one.
 *
 * @typedef {{trial: string | null, number: number, labels: string[], rate: number, done: number,
 *   trials: number, listener: string, said?: string, names: Record<string, string>}} Now
 */

const SCORES = /** @type {[string, string][]} */ ([
  ["1", "Bad"],
  ["2", "Poor"],
  ["3", "Fair"],
  ["4", "Good"],
  ["5", "Excellent"],
]);
const CHOICES = {
  preference: [
    ["1", "A", "A is better"],
    ["0", "tie", "No difference"],
    ["2", "B", "B is better"],
  ],
  abx: [
    ["1", "A", "X is A"],
    ["2", "B", "X is B"],
  ],
};
const KINDS = { preference: "pair", rating: "page", score: "recording", abx: "trial" };

class ListeningTest {
  /** @param {any} model @param {HTMLElement} el */
  constructor(model, el) {
    this.model = model;
    this.shown = model.get("_shown");
    this.line = new Line(model, (words) => this.late(words));
    /** @type {AudioContext | null} */
    this.context = null;
    /** @type {Desk | null} */
    this.desk = null;
    /** @type {any} */
    this.pending = null; // a vote that the kernel has not kept yet
    this.status = h("p", { class: "pnb-status", role: "status", "aria-live": "polite" });
    this.body = h("div", { class: "pnb-body" });
    this.element = h(
      "section",
      {
        class: "phaseo-nb-w phaseo-nb-comparison",
        role: "region",
        "aria-label": "Listening test",
        tabindex: -1,
        "data-lm-suppress-shortcuts": "true",
        onkeydown: (/** @type {KeyboardEvent} */ event) => this.key(event),
      },
      h("div", { class: "pnb-card" }, this.body, this.status),
    );
    this.start();
    el.append(this.element);
  }

  /** @param {string} words @param {boolean} [isWrong] */
  say(words, isWrong = false) {
    this.status.textContent = words;
    this.status.classList.toggle("pnb-wrong", isWrong);
  }

  /** @param {string} right */
  head(right) {
    return h(
      "div",
      { class: "pnb-head" },
      h("h3", { class: "pnb-heading" }, h("bdi", { text: this.shown.question })),
      h("span", { class: "pnb-small", text: right }),
    );
  }

  // -- before and after ---------------------------------------------------------------------------

  /** @param {boolean} [needsName] */
  start(needsName = false) {
    const { n, trials, mode, blind, seconds, short } = this.shown;
    const kind = KINDS[mode];
    const facts = [
      `${n} recordings`,
      mode === "rating" ? "all on one page" : `${trials} ${kind}${trials === 1 ? "" : "s"}`,
      `${seconds} s each`,
      blind ? "blind" : "not blind",
      "equally loud",
    ];
    const name = h("input", { class: "pnb-input", autocomplete: "off", maxlength: 80 });
    name.id = `${this.line.name}-name`;
    const begins = h("button", {
      class: "pnb-button pnb-primary",
      type: "submit",
      text: "Begin",
    });
    const asks = this.shown.asks_name || needsName;
    const form = h(
      "form",
      {
        class: "pnb-start",
        onsubmit: (/** @type {Event} */ event) => {
          event.preventDefault();
          if (needsName && !name.value.trim()) return this.say("Give the next listener a name.", true);
          this.begin(asks ? { listener: name.value } : {});
        },
      },
      asks
        ? h(
            "div",
            { class: "pnb-field" },
            h("label", {
              for: name.id,
              text: needsName ? "Name of the next listener" : "Your name (may stay empty)",
            }),
            name,
          )
        : null,
      begins,
    );
    fill(
      this.body,
      this.head(facts.join(" · ")),
      short
        ? h("p", {
            class: "pnb-says pnb-note",
            text: `Only ${seconds} s of each can be heard, as the shortest recording is no longer.`,
          })
        : null,
      form,
      h("p", {
        class: "pnb-small",
        text: "Set a comfortable volume and leave it. Each vote is kept at once; you can stop at any time and go on later.",
      }),
    );
    if (needsName) name.focus();
  }

  /** @param {object} [more] */
  async begin(more = {}) {
    this.say("");
    const answer = await this.line.ask({ do: "begin", ...more });
    if (answer.wrong) return this.say(answer.wrong, true);
    await this.next(/** @type {any} */ (answer));
  }

  /** @param {Now} now */
  async next(now) {
    this.desk?.close();
    this.desk = null;
    this.now = now;
    if (now.trial === null) return this.finish(now);
    const buffers = await this.fetch(now);
    if (buffers) this.listen(now, buffers);
  }

  /** @param {Now} now */
  async fetch(now) {
    this.element.focus({ preventScroll: true });
    fill(this.body, this.head(this.where(now)));
    const buffers = [];
    for (const label of now.labels) {
      this.say(`Fetching recording ${buffers.length + 1} of ${now.labels.length} …`);
      const answer = await this.line.ask({ do: "sound", trial: now.trial, label });
      if (this.now !== now) return null;
      if (answer.stale) {
        await this.begin();
        return null;
      }
      if (answer.wrong) {
        this.say(answer.wrong, true);
        this.body.append(this.button("Try again", () => this.next(now)));
        return null;
      }
      this.context ??= contextOf(now.rate);
      buffers.push(bufferOf(this.context, answer.buffers[0], now.rate));
    }
    return buffers;
  }

  /** @param {Now} now */
  where(now) {
    const { mode, trials, blind } = this.shown;
    const place = mode === "rating" ? "" : `${KINDS[mode]} ${now.number} of ${trials} · `;
    return `${place}${blind ? "blind" : "not blind"} · equally loud`;
  }

  /** @param {Now} now */
  finish(now) {
    const said = `All done, thank you: ${now.done} of ${now.trials} kept.`;
    const told = h("div", { class: "pnb-told" });
    const reveals = this.button("Show what was heard", () => this.reveal(told, reveals));
    fill(
      this.body,
      this.head("finished"),
      h("p", { class: "pnb-says pnb-result", text: now.said || said }),
      h(
        "div",
        { class: "pnb-row" },
        reveals,
        this.shown.asks_name ? this.button("Next listener", () => this.start(true)) : null,
      ),
      told,
    );
    this.say(said);
    this.element.focus({ preventScroll: true });
  }

  /** @param {HTMLElement} place @param {any} button */
  async reveal(place, button) {
    const answer = await this.line.ask({ do: "reveal" });
    if (answer.wrong) return this.say(answer.wrong, true);
    button.remove();
    const names = ["what", "made by", "level", "what was said"];
    const says = names.map((_, i) => answer.rows.some((/** @type {string[]} */ row) => row[i]));
    place.replaceChildren(
      h(
        "div",
        { class: "pnb-scroll", role: "region", "aria-label": "What was heard", tabindex: 0 },
        h(
          "table",
          { class: "pnb-table" },
          h("thead", {}, h("tr", {}, ...names.map((text, i) => says[i] ? h("th", { scope: "col", text }) : null))),
          h(
            "tbody",
            {},
            ...answer.rows.map((/** @type {string[]} */ row) =>
              h("tr", {}, ...row.map((text, i) => (says[i] ? h("td", {}, h("bdi", { text })) : null))),
            ),
          ),
        ),
      ),
    );
    this.say("What was heard stands below.");
  }

  /** @param {string} text @param {() => void} deed @param {string} [look] */
  button(text, deed, look = "") {
    return h("button", { class: `pnb-button ${look}`, type: "button", text, onclick: deed });
  }

  // -- one trial ------------------------------------------------------------------------------------

  /** @param {Now} now @param {AudioBuffer[]} buffers */
  listen(now, buffers) {
    const deck = new Deck(/** @type {any} */ (this.context), buffers, { loops: this.shown.loops });
    this.desk = new Desk(deck, now.labels, {
      names: now.names,
      onTurn: (label) => this.say(`${label} is heard.`),
    });
    this.began = performance.now();
    /** @type {Record<string, () => void>} */
    this.votes = {};
    /** @type {string[]} */
    this.voteKeys = []; // in the order of the buttons, which an object would not keep
    const { mode } = this.shown;
    fill(
      this.body,
      this.head(this.where(now)),
      this.desk.element,
      mode === "rating" ? this.sliders(now) : this.choices(now),
      h("p", { class: "pnb-small pnb-keys", text: this.keysOf(now) }),
    );
    this.say(`Ready: press play, or space. ${now.labels.length > 1 ? "A is heard first." : ""}`);
    this.element.focus({ preventScroll: true });
  }

  /** @param {Now} now */
  keysOf(now) {
    const [first, last] = [now.labels[0], now.labels[now.labels.length - 1]];
    const letters =
      now.labels.length > 3 ? `${first} … ${last} switch` : `${now.labels.join(" ")} switch`;
    const votes = this.voteKeys ?? [];
    return [
      "Keys:",
      now.labels.length > 1 ? `${letters} · ` : "",
      "space plays · ← → go through the music",
      now.labels.length > 1 ? " · ↑ ↓ next recording" : "",
      votes.length ? ` · ${votes.join(" ")} vote` : "",
    ]
      .join(" ")
      .replace(/ +/g, " ");
  }

  /** @param {Now} now */
  choices(now) {
    const { mode } = this.shown;
    const offered =
      mode === "score"
        ? SCORES.map(([value, word]) => [value, value, `${value} ${word}`])
        : CHOICES[mode];
    const buttons = offered.map(([key, value, text]) => {
      const deed = () =>
        mode === "score"
          ? this.vote({ values: { [now.labels[0]]: Number(value) } })
          : this.vote({ choice: value });
      /** @type {any} */ (this.votes)[key] = deed;
      this.voteKeys?.push(key);
      return this.button(text, deed, "pnb-vote");
    });
    return h(
      "div",
      { class: "pnb-row pnb-votes", role: "group", "aria-label": "Your vote" },
      ...buttons,
    );
  }

  /** @param {Now} now */
  sliders(now) {
    /** @type {Record<string, number>} */
    const values = {};
    const rows = now.labels.map((label) => {
      const told = h("output", { class: "pnb-small", text: "not yet" });
      const slider = h("input", {
        type: "range",
        min: 0,
        max: 100,
        step: 1,
        value: 50,
        class: "pnb-slider pnb-unset",
        "aria-label": `Rating of ${label}, 0 to 100`,
        "aria-valuetext": "not yet",
      });
      const set = () => {
        values[label] = Number(slider.value);
        told.textContent = slider.value;
        slider.setAttribute("aria-valuetext", slider.value);
        slider.classList.remove("pnb-unset");
      };
      // A press where the handle stands changes nothing, and means it all the same.
      for (const event of ["input", "pointerup"]) slider.addEventListener(event, set);
      slider.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
        if (event.key === "Enter") set();
      });
      slider.addEventListener("focus", () => this.desk?.turn(now.labels.indexOf(label)));
      return h(
        "div",
        { class: "pnb-rated" },
        h("strong", { text: label, "aria-hidden": "true" }),
        slider,
        told,
      );
    });
    const save = () => {
      const missing = now.labels.filter((label) => !(label in values));
      if (missing.length) return this.say(`Not rated yet: ${missing.join(", ")}.`, true);
      this.vote({ values });
    };
    return h(
      "div",
      { class: "pnb-ratings", role: "group", "aria-label": "Ratings from 0, bad, to 100, excellent" },
      h(
        "div",
        { class: "pnb-scale pnb-small", "aria-hidden": "true" },
        ...["0 bad", "50 fair", "100 excellent"].map((text) => h("span", { text })),
      ),
      ...rows,
      this.button("Save ratings", save, "pnb-primary pnb-save"),
    );
  }

  /** @param {object} said */
  async vote(said) {
    const { desk, now } = this;
    if (!desk || !now || this.pending) return;
    desk.count();
    const least = Math.min(0.3, desk.deck.length * 0.3);
    const missed = now.labels.filter((_, i) => desk.heard[i] < least);
    if (missed.length) return this.say(`Hear everything first: not heard yet is ${missed.join(", ")}.`, true);
    desk.deck.pause();
    this.pending = {
      do: "vote",
      trial: now.trial,
      ballot: `${this.line.name}-${now.trial}`,
      ...said,
      replays: desk.turns.map((n) => Math.max(n - 1, 0)),
      heard: desk.heard.map((n) => Math.round(n * 1000) / 1000),
      seconds: Math.round(performance.now() - (this.began ?? 0)) / 1000,
    };
    await this.hand();
  }

  /** Hand the vote in, as often as it takes. */
  async hand() {
    const vote = this.pending;
    if (!vote) return;
    this.say("Keeping your vote …");
    const answer = await this.line.ask(vote);
    if (this.pending !== vote) return; // kept by an earlier try
    if (answer.wrong && !answer.stale) return this.keep(`Your vote is not kept yet. ${answer.wrong}`);
    this.pending = null;
    this.again?.remove();
    if (answer.stale) return this.begin();
    await this.next(/** @type {any} */ (answer));
  }

  /** Say that the vote is only here so far. @param {string} words */
  keep(words) {
    this.again?.remove();
    this.again = this.button("Hand the vote in again", () => this.hand(), "pnb-primary pnb-again");
    this.status.before(this.again);
    this.say(`${words} It stays in this page: leave the page open and try again.`, true);
    this.again.focus();
  }

  /** @param {string} words */
  late(words) {
    if (this.pending) this.keep(`Your vote is not kept yet. ${words}`);
    else this.say(words, true);
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (!this.desk) return;
    const field = /** @type {HTMLElement} */ (event.target).matches("input:not([type=range])");
    const isPlain = !event.ctrlKey && !event.metaKey && !event.altKey && !field;
    const vote = isPlain && !event.repeat ? this.votes?.[event.key] : undefined;
    if (vote) vote();
    else if (this.pending || !this.desk.key(event)) return;
    event.preventDefault();
    event.stopPropagation();
  }

  close() {
    this.line.close();
    this.desk?.close();
    this.context?.close();
    this.element.remove();
  }
}

/** A context at the recordings' own rate, so that nothing is resampled. @param {number} rate */
function contextOf(rate) {
  try {
    return new AudioContext({ sampleRate: rate });
  } catch {
    return new AudioContext();
  }
}

/** @param {{model: any, el: HTMLElement}} context */
function render({ model, el }) {
  const test = new ListeningTest(model, el);
  return () => test.close();
}

export { Deck, Desk, bufferOf };
export default { render };
