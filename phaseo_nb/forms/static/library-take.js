/**
 * One take in the list: what it is, its player, and what a person says about it.
 *
 * @typedef {{id: string, title: string, prompt: string, number: number, facts: string[],
 *   rating: number | null, tags: string[], note: string, sandbox: boolean, tracks: number[]}} Row
 */

class TakeRow {
  /** @param {Row} row @param {any} browser */
  constructor(row, browser) {
    this.browser = browser;
    this.blobs = new Blobs();
    this.id = row.id;
    this.row = row;
    this.title = row.title;
    const uid = `${browser.uid}-${(browser.made += 1)}`;
    this.rating = h("select", {
      class: "pnb-input pnb-rating",
      id: `${uid}-r`,
      onchange: () => this.rate(),
    });
    this.rating.append(
      h("option", { value: "", text: "not rated" }),
      ...RATINGS.map(([value, text]) => h("option", { value, text })),
    );
    this.tick = h("input", {
      type: "checkbox",
      id: `${uid}-s`,
      "data-lm-suppress-shortcuts": "true",
      onchange: () => browser.select(this.id, this.tick.checked),
    });
    this.says = h("p", { class: "pnb-says" });
    this.sound = h("div", { class: "pnb-sound", hidden: true });
    this.words = h("div", { class: "pnb-words" });
    this.edit = h("button", {
      class: "pnb-button pnb-chip",
      type: "button",
      "aria-expanded": "false",
      "aria-controls": `${uid}-e`,
      onclick: () => this.toggle(),
    });
    this.panel = h("div", { class: "pnb-edit", id: `${uid}-e`, hidden: true });
    this.plays = row.tracks.map((track, i) =>
      h("button", {
        class: "pnb-button pnb-play",
        type: "button",
        onclick: () => this.play(track, i),
      }),
    );
    /** @type {{track: number, audio: HTMLMediaElement} | null} */
    this.heard = null;
    this.uid = uid;
    this.element = h(
      "li",
      { class: "pnb-take" },
      h("div", { class: "pnb-plays" }, ...this.plays),
      this.words,
      h(
        "div",
        { class: "pnb-deeds" },
        h(
          "span",
          { class: "pnb-pair" },
          h("label", { for: `${uid}-r`, text: "Rating" }),
          this.rating,
        ),
        this.edit,
        h(
          "span",
          { class: "pnb-pair" },
          this.tick,
          h("label", { for: `${uid}-s`, text: "Select" }),
        ),
      ),
      this.sound,
      this.panel,
      this.says,
    );
    this.update(row);
  }

  /** @param {Row} row */
  update(row) {
    this.row = row;
    this.title = row.title;
    const of = `“${row.title}”, take ${row.number}`;
    fill(
      this.words,
      h(
        "div",
        { class: "pnb-title" },
        h("h4", {}, h("bdi", { text: row.title })),
        row.sandbox ? h("span", { class: "pnb-badge", text: "SANDBOX" }) : null,
        h("span", { class: "pnb-small", text: `take ${row.number}` }),
      ),
      row.prompt ? h("p", { class: "pnb-prompt" }, h("bdi", { text: row.prompt })) : null,
      h("p", { class: "pnb-small", text: row.facts.join(" · ") }),
      row.tags.length
        ? h(
            "p",
            { class: "pnb-small" },
            "Tags: ",
            ...row.tags.map((tag) => h("bdi", { class: "pnb-tag", text: tag })),
          )
        : null,
      row.note ? h("p", { class: "pnb-small" }, "Note: ", h("bdi", { text: row.note })) : null,
    );
    this.rating.value = row.rating ? String(row.rating) : "";
    this.rating.setAttribute("aria-label", `Rating of ${of}`);
    this.tick.setAttribute("aria-label", `Select ${of}`);
    this.edit.textContent = row.note || row.tags.length ? "Note and tags" : "Add note";
    this.edit.setAttribute("aria-label", `${this.edit.textContent}: ${of}`);
    this.element.setAttribute("aria-label", of);
    this.label();
  }

  label() {
    this.plays.forEach((button, i) => {
      const track = this.row.tracks[i];
      const runs = this.heard?.track === track && !this.heard.audio.paused;
      const word = button.ariaBusy === "true" ? "Fetching" : runs ? "Pause" : "Play";
      const part = this.plays.length > 1 ? ` ${i + 1}` : "";
      button.textContent = `${runs ? "❚❚" : "▶"} ${word}${part}`;
      button.setAttribute(
        "aria-label",
        `${word}${part ? ` track${part} of` : ""} “${this.row.title}”, take ${this.row.number}`,
      );
    });
  }

  /** @param {number} track @param {number} place */
  async play(track, place) {
    if (this.heard?.track === track) {
      if (this.heard.audio.paused) start(this.heard.audio);
      else this.heard.audio.pause();
      return;
    }
    const button = this.plays[place];
    if (button.ariaBusy === "true") return;
    button.ariaBusy = "true";
    this.label();
    refuse(this.says, "");
    const answer = await this.browser.ask({ do: "play", id: this.id, track });
    button.ariaBusy = null;
    if (answer.wrong) {
      refuse(this.says, answer.wrong);
      this.browser.say(answer.wrong);
      this.label();
      return;
    }
    this.silence();
    const name =
      this.plays.length > 1 ? `Track ${place + 1} of “${this.row.title}”` : `“${this.row.title}”`;
    const audio = h("audio", {
      controls: true,
      preload: "auto",
      "aria-label": name,
      src: this.blobs.url(answer.buffers[0], answer.mime),
    });
    for (const event of ["play", "pause", "ended"])
      audio.addEventListener(event, () => this.label());
    audio.addEventListener("error", () =>
      refuse(this.says, "This browser cannot play the recording. Export it instead."),
    );
    this.heard = { track, audio };
    fill(
      this.sound,
      audio,
      answer.note ? h("p", { class: "pnb-says pnb-note", text: answer.note }) : null,
    );
    this.sound.hidden = false;
    start(audio);
    const drawn = await this.browser.ask({ do: "picture", id: this.id, track });
    if (drawn.buffers[0]?.byteLength && this.heard?.audio === audio) {
      // Pleasant to see; all that it says stands in the facts and in the control.
      audio.before(
        h("img", {
          alt: "",
          class: "pnb-wave",
          src: this.blobs.url(drawn.buffers[0], "image/png"),
        }),
      );
    }
  }

  silence() {
    this.heard?.audio.pause();
    this.heard?.audio.removeAttribute("src");
    this.heard = null;
    this.blobs.close();
  }

  async rate() {
    const rating = this.rating.value ? Number(this.rating.value) : null;
    const answer = await this.browser.ask({ do: "say", id: this.id, rating });
    refuse(this.says, answer.wrong ?? "");
    this.browser.say(
      answer.wrong ??
        (rating
          ? `Saved: “${this.title}” is rated ${rating} of 5.`
          : `Saved: “${this.title}” is not rated.`),
    );
  }

  async toggle() {
    const opens = this.panel.hidden;
    if (opens && !this.panel.childElementCount) {
      const answer = await this.browser.ask({ do: "details", id: this.id });
      if (answer.wrong) return refuse(this.says, answer.wrong);
      if (!this.panel.childElementCount) this.fill(answer);
    }
    this.panel.hidden = !opens;
    this.edit.setAttribute("aria-expanded", String(opens));
    if (opens) this.note.focus();
  }

  /** @param {Answer} answer */
  fill(answer) {
    const { uid } = this;
    this.note = h("textarea", {
      class: "pnb-input",
      id: `${uid}-n`,
      rows: 3,
      "aria-describedby": `${uid}-w`,
    });
    this.tags = h("input", {
      class: "pnb-input",
      id: `${uid}-t`,
      "aria-describedby": `${uid}-w`,
      autocomplete: "off",
    });
    this.note.value = answer.note;
    this.tags.value = answer.tags;
    this.was = { note: this.note.value, tags: this.tags.value };
    this.saved = h("span", { class: "pnb-says", id: `${uid}-w` });
    const fresh = () => refuse(this.saved, "");
    for (const field of [this.note, this.tags]) field.addEventListener("input", fresh);
    this.panel.replaceChildren(
      h("div", { class: "pnb-field" }, h("label", { for: `${uid}-n`, text: "Note" }), this.note),
      h(
        "div",
        { class: "pnb-field" },
        h("label", { for: `${uid}-t`, text: "Tags, with commas between them" }),
        this.tags,
      ),
      h(
        "div",
        { class: "pnb-row" },
        h("button", {
          class: "pnb-button",
          type: "button",
          text: "Save",
          "aria-label": `Save note and tags of “${this.title}”`,
          onclick: () => this.save(),
        }),
        this.saved,
      ),
    );
  }

  async save() {
    const now = { note: this.note.value, tags: this.tags.value };
    const changed = Object.fromEntries(
      Object.entries(now).filter(([name, value]) => value !== this.was[name]),
    );
    const answer = await this.browser.ask({ do: "say", id: this.id, ...changed });
    const isNote = answer.wrong?.startsWith("note");
    this.note.setAttribute("aria-invalid", String(Boolean(answer.wrong && isNote)));
    this.tags.setAttribute("aria-invalid", String(Boolean(answer.wrong && !isNote)));
    refuse(this.saved, answer.wrong ?? "");
    this.browser.say(answer.wrong ?? `Saved: note and tags of “${this.title}”.`);
    if (answer.wrong) return;
    this.saved.textContent = "✓ Saved";
    if (this.note.value === now.note) this.note.value = answer.note;
    if (this.tags.value === now.tags) this.tags.value = answer.tags;
    this.was = { note: answer.note, tags: answer.tags };
  }

  close() {
    this.silence();
    this.element.remove();
  }
}
