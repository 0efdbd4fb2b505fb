// A field for an API key. The key leaves it once, as bytes of one message, and is not kept:
// what is set on the model would be saved with the notebook.

const PATIENCE_MS = 5000;

/** @typedef {{get(name: string): any, send(content: object, callbacks?: any,
 *   buffers?: ArrayBufferView[]): void, on(event: string, handler: Function): void,
 *   off(event: string, handler: Function): void}} Model */

/**
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {string} name  the last part of its class
 * @param {string} [words]
 * @returns {HTMLElementTagNameMap[T]}
 */
function make(tag, name, words = "") {
  const element = document.createElement(tag);
  element.className = `phaseo-nb-key-${name}`;
  element.textContent = words;
  return element;
}

/** @param {HTMLElement} control @param {string} words */
function labelled(control, words) {
  const label = make("label", "label");
  label.append(make("span", "name", words), control);
  return label;
}

/** @param {string[][]} services */
function chooser(services) {
  const select = make("select", "service");
  for (const [value, words] of services) {
    select.append(new Option(words, value));
  }
  return select;
}

function secretInput() {
  const input = make("input", "input");
  input.type = "password";
  input.autocomplete = "off";
  input.spellcheck = false;
  input.setAttribute("autocapitalize", "off");
  input.setAttribute("data-1p-ignore", "true");
  input.setAttribute("data-lpignore", "true");
  return input;
}

/** @param {{model: Model, el: HTMLElement}} context */
function render({ model, el }) {
  const services = model.get("services");
  const root = make("div", "field");
  root.setAttribute("role", "group");
  root.setAttribute("data-lm-suppress-shortcuts", "true");  // letters are typed here, not commands

  const input = secretInput();
  const button = make("button", "use", "Use key");
  button.type = "button";
  const select = chooser(services);
  const status = make("div", "status");
  status.setAttribute("role", "status");
  status.setAttribute("aria-live", "polite");

  const row = make("div", "row");
  const name = services.length === 1 ? `API key for ${services[0][1]}` : "API key";
  if (services.length > 1) {
    row.append(labelled(select, "Service"));
  }
  row.append(labelled(input, name), button);
  root.setAttribute("aria-label", name);
  root.append(row, status, make("div", "help", model.get("help")));
  el.append(root);

  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;

  /** @param {string} words @param {string} [tone] @param {string} [code] */
  function say(words, tone = "plain", code = "") {
    const sign = { good: "✓ ", bad: "✕ " }[tone] ?? "";
    status.dataset.tone = tone;
    status.replaceChildren(sign + words);
    if (code) {
      status.append(" ", make("code", "code", code));
    }
  }

  function expectAnswer() {
    clearTimeout(timer);
    timer = setTimeout(() => {
      say("No answer from the kernel yet. It may be busy; if it is gone, run this cell again.");
    }, PATIENCE_MS);
  }

  function use() {
    const bytes = new TextEncoder().encode(input.value);
    input.value = "";
    if (bytes.length === 0) {
      say("Type or paste a key first.", "bad");
      input.focus();
      return;
    }
    say("Handing it to the kernel …");
    expectAnswer();
    model.send({ kind: "key", service: select.value }, undefined, [bytes]);
  }

  /** @param {any} message */
  function onMessage(message) {
    if (message?.kind !== "status") {
      return;
    }
    clearTimeout(timer);
    say(message.words, message.tone, message.code);
  }

  /** @param {KeyboardEvent} event */
  function onKeydown(event) {
    event.stopPropagation();
    if (event.key === "Enter" && !event.isComposing) {
      event.preventDefault();
      use();
    }
  }

  button.addEventListener("click", use);
  input.addEventListener("keydown", onKeydown);
  model.on("msg:custom", onMessage);
  expectAnswer();
  model.send({ kind: "look" });

  return () => {
    clearTimeout(timer);
    input.value = "";
    model.off("msg:custom", onMessage);
    root.remove();
  };
}

export default { render };
