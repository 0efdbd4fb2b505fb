/** A group of labelled controls; see fieldset.py. Text from outside only ever becomes text. */

/** @typedef {{name: string, label: string, kind: string, help: string, choices: string[][],
 *    suggestions: string[], placeholder: string, width: string, rows: number,
 *    limits: number[], sections: string[], template: string}} Field */

const WAIT = 150; // ms of quiet after which what was typed is sent; leaving a field sends it at once

/** @param {string} tag @param {Record<string, any>} [set] @param {(Node|string)[]} inside */
function make(tag, set = {}, ...inside) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(set)) {
    if (name in element && typeof value !== "string") element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...inside);
  return element;
}

/** One control with its label and what is said about it. */
class Control {
  /** @param {Field} field @param {any} model @param {string} id */
  constructor(field, model, id) {
    this.field = field;
    this.model = model;
    this.timer = 0;
    this.input = this.makeInput(id);
    this.says = make("div", { class: "pnb-says", id: `${id}-says` });
    this.input.setAttribute("aria-describedby", this.says.id);
    const label = make("label", { for: id }, field.label);
    this.root = make("div", { class: `pnb-field pnb-${field.width}` }, label);
    if (field.sections.length) this.root.append(this.makeSections());
    this.root.append(this.input);
    if (field.template) this.root.append(this.makeTemplate());
    this.root.append(this.says);
    this.take(model.get("texts")[field.name] ?? "");
    this.show();
  }

  makeInput(id) {
    const { field } = this;
    const common = { id, class: "pnb-input", autocomplete: "off", spellcheck: "false" };
    let input;
    if (field.kind === "choice" || field.kind === "flag") {
      input = make("select", { id, class: "pnb-input" });
      this.input = input;
      this.fill(this.options());
    } else if (field.kind === "area" || field.kind === "object") {
      const more = field.kind === "object" ? " pnb-code" : "";
      input = make("textarea", { ...common, class: `pnb-input${more}`, rows: field.rows });
      if (field.kind === "area") input.setAttribute("spellcheck", "true");
    } else if (field.kind === "file") {
      input = make("input", { id, class: "pnb-input", type: "file", accept: "audio/*" });
    } else {
      input = make("input", { ...common, type: "text" });
      if (field.kind === "integer") input.setAttribute("inputmode", "numeric");
      if (field.kind === "number") input.setAttribute("inputmode", "decimal");
    }
    if (field.placeholder) input.placeholder = field.placeholder;
    else if (field.limits.length) input.placeholder = field.limits.join(" to ");
    if (field.suggestions.length) {
      const list = make("datalist", { id: `${id}-list` });
      list.append(...field.suggestions.map((value) => make("option", { value })));
      input.setAttribute("list", list.id);
      this.list = list;
    }
    input.addEventListener("input", () => this.changed());
    input.addEventListener("change", () => this.send());
    input.addEventListener("blur", () => this.send());
    return input;
  }

  options() {
    const { field } = this;
    const given = this.model.get("choices")[field.name] ?? field.choices;
    if (given.length || field.kind === "choice") return given;
    return [["", "not set"], ["true", "yes"], ["false", "no"]];
  }

  fill(options) {
    const now = this.input.value;
    this.drawn = JSON.stringify(options);
    this.input.replaceChildren(...options.map(([value, label]) => make("option", { value }, label)));
    this.input.value = now;
  }

  makeSections() {
    const row = make("div", { class: "pnb-row pnb-sections", role: "group", "aria-label": "Sections" });
    for (const mark of this.field.sections) {
      const button = make("button", { type: "button", class: "pnb-button pnb-chip" }, mark);
      button.addEventListener("click", () => this.insert(mark));
      row.append(button);
    }
    return row;
  }

  makeTemplate() {
    const button = make("button", { type: "button", class: "pnb-button pnb-chip" }, "Start from an example");
    button.addEventListener("click", () => {
      if (!this.input.value.trim()) this.type(this.field.template);
      this.input.focus();
    });
    this.example = button;
    return make("div", { class: "pnb-row pnb-under" }, button);
  }

  /** Put a section mark on a line of its own where the cursor is. */
  insert(mark) {
    const { input } = this;
    const at = input.selectionStart ?? input.value.length;
    const before = input.value.slice(0, at);
    const lead = before === "" || before.endsWith("\n\n") ? "" : before.endsWith("\n") ? "\n" : "\n\n";
    const piece = `${lead}${mark}\n`;
    input.value = before + piece + input.value.slice(input.selectionEnd ?? at);
    input.focus();
    input.setSelectionRange(at + piece.length, at + piece.length);
    this.send(true);
  }

  type(text) {
    this.input.value = text;
    this.send(true);
  }

  changed() {
    this.isTyped = true;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.send(), WAIT);
  }

  async send(always = false) {
    clearTimeout(this.timer);
    const { name, kind } = this.field;
    if (kind === "file") {
      if (!this.isTyped) return;
      this.isTyped = false;
      const file = this.input.files[0];
      const data = file ? [await file.arrayBuffer()] : [];
      this.model.send({ name, text: file ? file.name : "" }, undefined, data);
      return;
    }
    if (!this.isTyped && !always) return;
    this.isTyped = false;
    this.model.send({ name, text: this.input.value });
  }

  /** Show a text that comes from the kernel, unless a person is typing here. */
  take(text) {
    const { input, field } = this;
    if (field.kind === "file") {
      this.chosen = text;
      return;
    }
    const isBusy = this.isTyped || (document.activeElement === input && input.tagName !== "SELECT");
    if (isBusy || input.value === text) return;
    input.value = text;
  }

  show() {
    const { field, model, input, says } = this;
    const wrong = model.get("problems")[field.name];
    const note = model.get("notes")[field.name];
    const unused = model.get("unused")[field.name];
    input.disabled = unused !== undefined;
    input.setAttribute("aria-invalid", String(Boolean(wrong) && unused === undefined));
    for (const button of this.root.querySelectorAll("button")) button.disabled = input.disabled;
    // Of a group that is out of use altogether, its title says so; here one may still read on.
    const isGroup = unused !== undefined && model.get("title") !== "";
    const words = (isGroup ? "" : unused) ?? wrong ?? note ?? this.chosen ?? "";
    says.textContent = words || field.help;
    const kind = unused !== undefined || !words ? "" : wrong ? " pnb-wrong" : note ? " pnb-note" : "";
    says.className = `pnb-says${kind}`;
    this.root.classList.toggle("pnb-unused", input.disabled);
    this.root.classList.toggle("pnb-hidden", model.get("hidden").includes(field.name));
    if (field.kind === "choice" && JSON.stringify(this.options()) !== this.drawn) {
      this.fill(this.options());
      this.take(model.get("texts")[field.name] ?? "");
    }
  }
}

function render({ model, el }) {
  const group = Math.random().toString(36).slice(2, 10); // each view loads a module of its own
  /** @type {Map<string, Control>} */
  const controls = new Map();
  const grid = make("div", { class: "pnb-grid" });
  const title = model.get("title");
  const name = make("span", { class: "pnb-name" });
  const summary = make("span", { class: "pnb-small" });
  const details = title ? make("details", { class: "pnb-panel" }, make("summary", {}, name, summary), grid) : null;

  // The controls of a closed group are made when it is opened: there are a hundred of them.
  const fill = () => {
    if (grid.childElementCount) return;
    model.get("fields").forEach((field, index) => {
      const control = new Control(field, model, `pnb-${group}-${index}`);
      controls.set(field.name, control);
      grid.append(control.root);
      if (control.list) grid.append(control.list);
    });
  };
  const say = () => {
    el.classList.toggle("pnb-hidden", model.get("is_hidden"));
    for (const control of controls.values()) control.show();
    if (details) {
      name.textContent = title;
      summary.textContent = model.get("summary");
      details.classList.toggle("pnb-unused", Object.keys(model.get("unused")).length >= model.get("fields").length);
    }
  };
  const take = () => {
    for (const [name, control] of controls) control.take(model.get("texts")[name] ?? "");
    say();
  };
  const open = () => {
    if (model.get("is_open")) fill();
    if (details && details.open !== model.get("is_open")) details.open = model.get("is_open");
    say();
  };
  const focus = () => {
    const wanted = model.get("focused").split(" ")[1];
    fill();
    if (details) details.open = true;
    say();
    requestAnimationFrame(() => controls.get(wanted)?.input.focus());
  };
  // A button need not take the focus when it is clicked, and what was typed must arrive before.
  const flush = () => {
    for (const control of controls.values()) control.send();
  };
  document.addEventListener("pointerdown", flush, true);
  if (details) {
    details.addEventListener("toggle", () => {
      if (details.open) fill();
      say();
      if (details.open !== model.get("is_open")) {
        model.set("is_open", details.open);
        model.save_changes();
      }
    });
  }
  const asked = "change:problems change:notes change:unused change:choices change:hidden change:is_hidden change:summary";
  model.on(asked, say);
  model.on("change:texts", take);
  model.on("change:is_open", open);
  model.on("change:focused", focus);
  el.classList.add("pnb-fieldset");
  el.dataset.lmSuppressShortcuts = "true"; // Lab would take a letter typed in a list as a command
  el.append(details ?? grid);
  open();
  model.send({ rendered: true });
  return () => {
    document.removeEventListener("pointerdown", flush, true);
    model.off(asked, say);
    model.off("change:texts", take);
    model.off("change:is_open", open);
    model.off("change:focused", focus);
  };
}

export default { render };
