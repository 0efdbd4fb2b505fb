/**
 * The library's browser. What is shown is the model's state; everything else is asked of the
 * kernel, one answer to each question. The files library-*.js are joined to one module.
 */

class Browser {
  /** @param {any} model @param {HTMLElement} el */
  constructor(model, el) {
    this.model = model;
    this.made = 0;
    this.busy = 0;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.typing = undefined;
    /** @type {Record<string, {field: any, says: HTMLElement}>} */
    this.fields = {};
    this.status = h("p", { class: "pnb-status", role: "status", "aria-live": "polite" });
    this.line = new Line(model, (words) => this.say(words));
    this.uid = `pnb-${this.line.name}`;
    /** @type {Map<string, TakeRow>} */
    this.rows = new Map();
    this.comparison = new Comparison(this);
    this.element = h("div", {
      class: "phaseo-nb-w phaseo-nb-browser",
      role: "region",
      "aria-label": "Library of music",
    });
    this.element.append(
      h("h3", { class: "pnb-heading", text: "Library" }),
      this.search(),
      this.status,
      this.list(),
      this.pages(),
      this.bar(),
      this.exporting(),
      this.comparison.element,
      this.lineOfCode(),
    );
    // One recording at a time; play events do not bubble, so they are met on their way down.
    this.element.addEventListener(
      "play",
      (event) => {
        for (const audio of this.element.querySelectorAll("audio"))
          if (audio !== event.target) audio.pause();
      },
      true,
    );
    this.update = this.update.bind(this);
    this.mark = this.mark.bind(this);
    model.on("change:_shown", this.update);
    model.on("change:selected_ids", this.mark);
    this.update();
    this.status.textContent = model.get("_shown").wrong ?? "";
    this.status.classList.toggle("pnb-wrong", Boolean(model.get("_shown").wrong));
    el.append(this.element);
  }

  /** @param {object} what */
  ask(what) {
    return this.line.ask(what);
  }

  /** @param {string} words @param {boolean} [isWrong] */
  say(words, isWrong = false) {
    this.status.textContent = words;
    this.status.classList.toggle("pnb-wrong", isWrong);
  }

  /** @param {string} name @param {string} label @param {any} field */
  field(name, label, field) {
    const id = `${this.uid}-${name}`;
    const says = h("span", { class: "pnb-says", id: `${id}-w` });
    field.id = id;
    field.setAttribute("aria-describedby", `${id}-w`);
    this.fields[name] = { field, says };
    return h(
      "div",
      { class: `pnb-field pnb-f-${name}` },
      h("label", { for: id, text: label }),
      field,
      says,
    );
  }

  search() {
    const pick = () => h("select", { class: "pnb-input", onchange: () => this.find() });
    const text = h("input", {
      class: "pnb-input",
      type: "search",
      placeholder: "Prompt, title, lyrics, style, note",
      autocomplete: "off",
      spellcheck: "false",
      oninput: () => this.soon(),
    });
    const since = h("input", { class: "pnb-input", type: "date", onchange: () => this.find() });
    const form = h(
      "form",
      {
        role: "search",
        "aria-label": "Find takes",
        class: "pnb-search",
        onsubmit: (/** @type {Event} */ event) => {
          event.preventDefault();
          this.find();
        },
      },
      this.field("text", "Search", text),
      h("button", { class: "pnb-button pnb-primary pnb-go", type: "submit", text: "Search" }),
      h(
        "div",
        { class: "pnb-filters" },
        this.field("model", "Model", pick()),
        this.field("gateway", "Made by", pick()),
        this.field("rating", "Rating at least", pick()),
        this.field("tag", "Tag", pick()),
        this.field("since", "Since", since),
        this.field("ranked", "Order", pick()),
      ),
    );
    offer(this.fields.rating.field, [["", "any"], ...RATINGS]);
    offer(this.fields.ranked.field, [
      ["", "newest first"],
      ["best", "best match first"],
    ]);
    return form;
  }

  list() {
    this.takes = h("ol", { class: "pnb-takes", "aria-label": "Takes" });
    this.empty = h("p", { class: "pnb-empty" });
    return h("div", {}, this.takes, this.empty);
  }

  pages() {
    const turn = (/** @type {number} */ by, /** @type {string} */ text) =>
      h("button", {
        class: "pnb-button",
        type: "button",
        text,
        onclick: (/** @type {any} */ event) => {
          if (event.currentTarget.ariaDisabled !== "true")
            this.find(this.model.get("_shown").query.page + by);
        },
      });
    this.newer = turn(-1, "← Newer");
    this.older = turn(1, "Older →");
    this.place = h("span", { class: "pnb-small" });
    this.turning = h(
      "nav",
      { class: "pnb-row pnb-pages", "aria-label": "Pages of the library" },
      this.newer,
      this.place,
      this.older,
    );
    return this.turning;
  }

  bar() {
    this.n = h("span", { class: "pnb-small pnb-count" });
    this.compares = h("button", {
      class: "pnb-button",
      type: "button",
      text: "Compare two",
      onclick: () => this.compare(),
    });
    this.exports = h("button", {
      class: "pnb-button",
      type: "button",
      text: "Export …",
      "aria-expanded": "false",
      "aria-controls": `${this.uid}-export`,
      onclick: () => this.toggleExport(),
    });
    this.clears = h("button", {
      class: "pnb-button",
      type: "button",
      text: "Select none",
      onclick: () => {
        this.choose([]);
        this.compares.focus();
      },
    });
    return h(
      "div",
      { class: "pnb-row pnb-bar", role: "group", "aria-label": "What is selected" },
      this.n,
      this.compares,
      this.exports,
      this.clears,
    );
  }

  exporting() {
    const id = `${this.uid}-path`;
    this.path = h("input", {
      class: "pnb-input",
      id,
      value: "takes.zip",
      autocomplete: "off",
      spellcheck: "false",
      "aria-describedby": `${id}-w`,
    });
    this.scope = h("span", { class: "pnb-small" });
    this.told = h("p", { class: "pnb-says", id: `${id}-w` });
    const give = (/** @type {string} */ deed, /** @type {string} */ text) =>
      h("button", { class: "pnb-button", type: "button", text, onclick: () => this.export(deed) });
    this.export_ = h(
      "section",
      {
        class: "pnb-card pnb-export",
        id: `${this.uid}-export`,
        role: "group",
        "aria-label": "Export",
        hidden: true,
      },
      h("h4", { class: "pnb-heading", text: "Export" }),
      this.scope,
      h(
        "div",
        { class: "pnb-field" },
        h("label", { for: id, text: "File name (without .zip: a folder)" }),
        this.path,
      ),
      h("div", { class: "pnb-row" }, give("export", "Write file"), give("download", "Download")),
      this.told,
    );
    return this.export_;
  }

  lineOfCode() {
    this.code = h("code");
    return h(
      "details",
      { class: "pnb-codeline" },
      h("summary", { text: "Show code" }),
      h(
        "pre",
        { tabindex: 0, role: "group", "aria-label": "The line of code that finds the same" },
        this.code,
      ),
    );
  }

  // -- finding ----------------------------------------------------------------------------------

  soon() {
    clearTimeout(this.typing);
    this.typing = setTimeout(() => this.find(), PAUSE);
  }

  /** @param {number} [page] */
  async find(page = 1) {
    clearTimeout(this.typing);
    const said = Object.fromEntries(
      Object.entries(this.fields).map(([name, { field }]) => [name, field.value]),
    );
    this.busy += 1;
    const answer = await this.ask({ do: "find", ...said, ranked: said.ranked === "best", page });
    this.busy -= 1;
    if (answer.late) return;
    for (const [name, { field, says }] of Object.entries(this.fields)) {
      const wrong = answer.field === name ? (answer.wrong ?? "") : "";
      refuse(says, wrong);
      field.setAttribute("aria-invalid", String(Boolean(wrong)));
    }
    const n = this.rows.size;
    if (answer.wrong)
      this.say(answer.field ? "Nothing was searched for: see the field." : answer.wrong, true);
    else
      this.say(
        n
          ? `${n} take${n === 1 ? "" : "s"} shown, page ${this.model.get("_shown").query.page}.`
          : this.model.get("_shown").empty,
      );
  }

  /** Show the model's state: rows that stay keep their place, player and open fields. */
  update() {
    const shown = this.model.get("_shown");
    /** @type {Row[]} */
    const takes = shown.takes ?? [];
    const ids = new Set(takes.map((row) => row.id));
    for (const [id, row] of this.rows) {
      if (ids.has(id)) continue;
      row.close();
      this.rows.delete(id);
    }
    takes.forEach((facts, place) => {
      const row = this.rows.get(facts.id) ?? new TakeRow(facts, this);
      if (this.rows.has(facts.id)) row.update(facts);
      this.rows.set(facts.id, row);
      const there = this.takes.children[place] ?? null;
      if (there !== row.element) this.takes.insertBefore(row.element, there);
    });
    this.takes.hidden = !takes.length;
    this.empty.textContent = [shown.empty, shown.warning].filter(Boolean).join(" ");
    this.code.textContent = shown.code ?? "";
    this.fillFields(shown);
    const page = shown.query?.page ?? 1;
    this.place.textContent = `Page ${page}`;
    this.newer.ariaDisabled = String(page <= 1);
    this.older.ariaDisabled = String(!shown.has_more);
    this.turning.hidden = page <= 1 && !shown.has_more;
    this.mark();
  }

  /** @param {any} shown */
  fillFields(shown) {
    for (const name of ["model", "gateway", "tag"]) {
      offer(this.fields[name].field, [["", "any"], ...(shown.choices?.[name] ?? [])]);
    }
    if (this.busy) return; // somebody is typing: what stands there is newer than what was found
    const query = { ...shown.query, ranked: shown.query?.ranked ? "best" : "" };
    for (const [name, { field }] of Object.entries(this.fields)) {
      const value = query[name] ?? "";
      if (
        field.tagName === "SELECT" &&
        ![...field.options].some((option) => option.value === value)
      )
        field.append(h("option", { value, text: value }));
      if (field.value !== value) field.value = value;
    }
  }

  // -- what is selected -------------------------------------------------------------------------

  /** @returns {string[]} */
  get selected() {
    return this.model.get("selected_ids") ?? [];
  }

  /** @param {string} id @param {boolean} on */
  select(id, on) {
    this.choose(on ? [...this.selected, id] : this.selected.filter((other) => other !== id));
  }

  /** @param {string[]} ids */
  choose(ids) {
    this.model.set("selected_ids", ids);
    this.model.save_changes();
    this.mark();
  }

  mark() {
    const chosen = new Set(this.selected);
    for (const row of this.rows.values()) {
      row.tick.checked = chosen.has(row.id);
      row.element.classList.toggle("pnb-chosen", row.tick.checked);
    }
    const n = chosen.size;
    this.n.textContent = n ? `${n} selected` : "None selected";
    this.compares.ariaDisabled = String(n !== 2);
    this.clears.hidden = !n;
    const page = this.rows.size;
    this.scope.textContent = n
      ? `The ${n} selected take${n === 1 ? "" : "s"}.`
      : `Nothing is selected: all ${page} on this page.`;
  }

  compare() {
    if (this.selected.length !== 2)
      return this.say(`Select two takes to compare; ${this.selected.length} are selected.`);
    return this.comparison.show(this.selected);
  }

  toggleExport() {
    this.export_.hidden = !this.export_.hidden;
    this.exports.setAttribute("aria-expanded", String(!this.export_.hidden));
    if (!this.export_.hidden) this.path.focus();
  }

  /** @param {string} deed */
  async export(deed) {
    refuse(this.told, "");
    this.say("Exporting …");
    const answer = await this.ask({
      do: deed,
      path: this.path.value,
      scope: this.selected.length ? "selected" : "page",
    });
    refuse(this.told, answer.wrong ?? "");
    this.path.setAttribute("aria-invalid", String(Boolean(answer.wrong)));
    this.say(
      answer.wrong ? "Nothing was exported: see the field." : `${answer.said}.`,
      Boolean(answer.wrong),
    );
    if (answer.wrong) return;
    this.told.textContent = `✓ ${answer.said}`;
    if (deed !== "download") return;
    const url = URL.createObjectURL(
      new Blob([/** @type {any} */ (answer.buffers[0])], { type: "application/zip" }),
    );
    h("a", { href: url, download: "takes.zip" }).click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  }

  close() {
    clearTimeout(this.typing);
    this.model.off("change:_shown", this.update);
    this.model.off("change:selected_ids", this.mark);
    this.line.close();
    this.comparison.clear();
    for (const row of this.rows.values()) row.close();
    this.element.remove();
  }
}

/** @param {{model: any, el: HTMLElement}} context */
function render({ model, el }) {
  const browser = new Browser(model, el);
  return () => browser.close();
}

export default { render };
