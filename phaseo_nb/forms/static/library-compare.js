/**
 * Two takes side by side: one switch, matched levels, and what differs in their requests.
 *
 * @typedef {{title: string, number: number, sandbox: boolean, facts: string[], level: string,
 *   gain_db: number, mime: string, note: string}} Side
 */

class Comparison {
  /** @param {any} browser */
  constructor(browser) {
    this.browser = browser;
    this.blobs = new Blobs();
    this.heard = 0;
    /** @type {HTMLMediaElement[]} */
    this.audios = [];
    this.element = h("section", {
      class: "pnb-card pnb-compare",
      role: "group",
      "aria-label": "Compare two takes",
      tabindex: -1,
      hidden: true,
      "data-lm-suppress-shortcuts": "true",
      onkeydown: (/** @type {KeyboardEvent} */ event) => this.key(event),
    });
  }

  /** @param {string[]} ids */
  async show(ids) {
    this.browser.say("Fetching both recordings …");
    const answer = await this.browser.ask({ do: "compare", ids });
    if (answer.wrong) return this.browser.say(answer.wrong, true);
    this.clear();
    const [a, b, ...pictures] = answer.buffers;
    /** @type {Side[]} */
    const sides = answer.sides;
    this.audios = [a, b].map((data, i) => this.audio(data, sides[i], i));
    this.switches = ["A", "B"].map((name, i) =>
      h("button", {
        class: "pnb-button pnb-switch",
        type: "button",
        onclick: () => this.listen(i),
        text: `Hear ${name}`,
      }),
    );
    this.runs = h("button", {
      class: "pnb-button pnb-primary",
      type: "button",
      onclick: () => this.toggle(),
    });
    this.element.replaceChildren(
      h(
        "div",
        { class: "pnb-head" },
        h("h4", { class: "pnb-heading", text: "Compare two takes" }),
        h("button", {
          class: "pnb-button pnb-chip",
          type: "button",
          text: "Close",
          "aria-label": "Close the comparison",
          onclick: () => this.leave(),
        }),
      ),
      h("div", { class: "pnb-sides" }, ...sides.map((side, i) => this.side(side, i, pictures[i]))),
      h(
        "div",
        { class: "pnb-row" },
        this.runs,
        ...this.switches,
        h("span", {
          class: "pnb-small",
          text: "Keys A and B switch; the place in the music stays.",
        }),
      ),
      this.table(answer.differs),
    );
    this.element.hidden = false;
    this.mark();
    this.browser.say(`Ready to compare: A is “${sides[0].title}”, B is “${sides[1].title}”.`);
    this.element.focus();
  }

  /** @param {DataView} data @param {Side} side @param {number} i */
  audio(data, side, i) {
    const audio = h("audio", {
      controls: true,
      preload: "auto",
      "aria-label": `${"AB"[i]}: “${side.title}”`,
      src: this.blobs.url(data, side.mime),
    });
    audio.volume = Math.min(1, 10 ** (side.gain_db / 20));
    audio.addEventListener("play", () => {
      this.heard = i;
      this.mark();
    });
    for (const event of ["pause", "ended"]) audio.addEventListener(event, () => this.mark());
    return audio;
  }

  /** @param {Side} side @param {number} i @param {DataView} [picture] */
  side(side, i, picture) {
    return h(
      "div",
      { class: "pnb-side" },
      h(
        "div",
        { class: "pnb-title" },
        h("strong", { class: "pnb-letter", text: "AB"[i] }),
        h("h5", {}, h("bdi", { text: side.title })),
        side.sandbox ? h("span", { class: "pnb-badge", text: "SANDBOX" }) : null,
        h("span", { class: "pnb-small", text: `take ${side.number}` }),
      ),
      picture?.byteLength
        ? h("img", { alt: "", class: "pnb-wave", src: this.blobs.url(picture, "image/png") })
        : null,
      this.audios[i],
      h("p", { class: "pnb-small", text: side.facts.join(" · ") }),
      h("p", { class: "pnb-small", text: side.level }),
      side.note ? h("p", { class: "pnb-says pnb-note", text: side.note }) : null,
    );
  }

  /** @param {[string, string, string][]} rows */
  table(rows) {
    if (!rows.length)
      return h("p", { class: "pnb-small", text: "Both are the same take of the same request." });
    return h(
      "div",
      {
        class: "pnb-scroll",
        role: "region",
        "aria-label": "What differs in the requests",
        tabindex: 0,
      },
      h(
        "table",
        { class: "pnb-table" },
        h("caption", { text: "What differs in the requests" }),
        h(
          "thead",
          {},
          h(
            "tr",
            {},
            ...["", "A", "B"].map((text, i) => (i ? h("th", { scope: "col", text }) : h("td", {}))),
          ),
        ),
        h(
          "tbody",
          {},
          ...rows.map(([name, a, b]) =>
            h(
              "tr",
              {},
              h("th", { scope: "row", text: name }),
              ...[a, b].map((text) => h("td", {}, h("bdi", { text }))),
            ),
          ),
        ),
      ),
    );
  }

  /** Hear one side from where the other one is. @param {number} to */
  listen(to) {
    const [from, next] = [this.audios[this.heard], this.audios[to]];
    if (from === next) return;
    const runs = !from.paused;
    const at = from.currentTime;
    from.pause();
    next.currentTime = Number.isFinite(next.duration) ? Math.min(at, next.duration) : at;
    this.heard = to;
    if (runs) start(next);
    this.mark();
  }

  toggle() {
    const audio = this.audios[this.heard];
    if (audio.paused) start(audio);
    else audio.pause();
  }

  mark() {
    const runs = !this.audios[this.heard].paused;
    this.runs.textContent = runs ? "❚❚ Pause" : "▶ Play";
    this.switches?.forEach((button, i) => {
      button.setAttribute("aria-pressed", String(i === this.heard));
      button.textContent = i === this.heard ? `${"AB"[i]} is heard` : `Hear ${"AB"[i]}`;
    });
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const to = { a: 0, b: 1 }[event.key.toLowerCase()];
    if (to === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    this.listen(to);
  }

  clear() {
    for (const audio of this.audios) {
      audio.pause();
      audio.removeAttribute("src");
    }
    this.blobs.close();
    this.heard = 0;
  }

  leave() {
    this.clear();
    this.element.hidden = true;
    this.element.replaceChildren();
    this.browser.compares.focus();
  }
}
