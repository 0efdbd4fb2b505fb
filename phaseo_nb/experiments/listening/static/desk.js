/**
 * What a listener has before them: a button for each recording, play, the place in the music.
 *
 * Keys: the letter of a recording, space, arrows. They hold while the focus is somewhere inside,
 * and leave to sliders, buttons and fields what is theirs.
 */

const STEP = 2; // s that an arrow goes through the music, at most a tenth of it
const TICK = 100; // ms between two looks at the clock

class Desk {
  /**
   * @param {Deck} deck
   * @param {string[]} labels
   * @param {{names?: Record<string, string>, onTurn?: (label: string) => void}} [more]
   */
  constructor(deck, labels, { names = {}, onTurn = () => {} } = {}) {
    this.deck = deck;
    this.labels = labels;
    this.onTurn = onTurn;
    this.heard = labels.map(() => 0);
    this.turns = labels.map(() => 0);
    this.counted = 0;
    deck.onEnd = () => this.mark();
    this.letters = labels.map((label, i) =>
      h(
        "button",
        { class: "pnb-button pnb-letter", type: "button", onclick: () => this.press(i) },
        h("span", { class: "pnb-name", text: label }),
        h("span", { class: "pnb-small pnb-heard" }),
        names[label] ? h("bdi", { class: "pnb-small", text: names[label] }) : null,
      ),
    );
    this.plays = h("button", {
      class: "pnb-button pnb-primary pnb-plays",
      type: "button",
      onclick: () => this.toggle(),
    });
    this.place = h("input", {
      type: "range",
      class: "pnb-place",
      min: 0,
      max: deck.length.toFixed(2),
      step: 0.01,
      value: 0,
      "aria-label": "Place in the music",
      oninput: () => {
        deck.seek(Number(this.place.value));
        this.mark();
      },
    });
    this.clock = h("span", { class: "pnb-small pnb-clock" });
    this.element = h(
      "div",
      { class: "pnb-desk" },
      h(
        "div",
        { class: "pnb-letters", role: "group", "aria-label": "Recordings" },
        ...this.letters,
      ),
      h(
        "div",
        { class: "pnb-row pnb-transport" },
        this.plays,
        h("button", {
          class: "pnb-button",
          type: "button",
          text: "From the start",
          onclick: () => this.again(),
        }),
        this.place,
        this.clock,
      ),
    );
    this.timer = setInterval(() => this.mark(), TICK);
    this.mark();
  }

  /** Add what was heard since the last count. */
  count() {
    const now = this.deck.context.currentTime;
    if (this.deck.runs) this.heard[this.deck.heard] += Math.max(now - this.counted, 0);
    this.counted = now;
  }

  mark() {
    this.count();
    const { runs, position, length } = this.deck;
    this.plays.textContent = runs ? "❚❚ Pause" : "▶ Play";
    const said = `${position.toFixed(1)} s of ${length.toFixed(1)} s`;
    this.place.value = String(position);
    this.place.setAttribute("aria-valuetext", said);
    this.clock.textContent = said;
    this.letters.forEach((button, i) => {
      const isHeard = i === this.deck.heard;
      button.setAttribute("aria-pressed", String(isHeard));
      button.querySelector(".pnb-heard").textContent = isHeard ? (runs ? "♪ heard" : "♪") : "";
    });
  }

  /** Press the button of a recording: turn to it, and start it; the one that is heard: pause. */
  press(/** @type {number} */ i) {
    if (i === this.deck.heard) return this.toggle();
    this.turn(i);
    if (!this.deck.runs) this.toggle();
  }

  /** @param {number} i */
  turn(i) {
    if (i === this.deck.heard) return;
    this.count();
    this.deck.hear(i);
    if (this.deck.runs) this.turns[i] += 1;
    this.mark();
    this.onTurn(this.labels[i]);
  }

  toggle() {
    this.count();
    if (this.deck.runs) this.deck.pause();
    else this.start();
    this.mark();
  }

  start() {
    // Browsers let sound begin on a press only; the first one wakes the context.
    /** @type {any} */ (this.deck.context).resume?.();
    this.deck.play();
    this.turns[this.deck.heard] += 1;
  }

  again() {
    this.count();
    this.deck.seek(0);
    if (this.deck.runs) this.turns[this.deck.heard] += 1;
    else this.start();
    this.mark();
  }

  /** Whether this key was meant for the desk. @param {KeyboardEvent} event */
  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return false;
    const target = /** @type {HTMLElement} */ (event.target);
    const kind = target.matches("input, select, textarea")
      ? /** @type {HTMLInputElement} */ (target).type
      : target.matches("button, summary, a")
        ? "button"
        : "";
    if (kind && kind !== "button" && kind !== "range") return false;
    const letter = this.labels.indexOf(event.key.toUpperCase());
    const n = this.labels.length;
    const far = Math.min(STEP, this.deck.length / 10);
    const [deck, at] = [this.deck, this.deck.position];
    /** @type {Record<string, () => void>} */
    const deeds = {
      ArrowUp: () => this.turn((deck.heard + n - 1) % n),
      ArrowDown: () => this.turn((deck.heard + 1) % n),
      ArrowLeft: () => deck.seek(at - far),
      ArrowRight: () => deck.seek(at + far),
    };
    if (letter >= 0) this.turn(letter);
    else if (event.key === " " && kind !== "button") this.toggle();
    else if (deeds[event.key] && kind !== "range") deeds[event.key]();
    else return false;
    this.mark();
    return true;
  }

  close() {
    clearInterval(this.timer);
    this.deck.close();
  }
}
