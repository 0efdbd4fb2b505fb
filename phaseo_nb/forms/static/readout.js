/** Text to look at and to copy; see fieldset.py. */

function render({ model, el }) {
  const box = document.createElement("section");
  box.className = "pnb-readout";
  const head = document.createElement("div");
  head.className = "pnb-row";
  const title = document.createElement("h3");
  title.className = "pnb-heading";
  const copy = document.createElement("button");
  copy.type = "button";
  copy.className = "pnb-button pnb-chip";
  copy.textContent = "Copy";
  const said = document.createElement("span");
  said.className = "pnb-small";
  said.setAttribute("role", "status");
  const text = document.createElement("pre");
  text.tabIndex = 0;
  head.append(title, copy, said);
  box.append(head, text);
  el.append(box);

  const show = () => {
    title.textContent = model.get("title");
    text.textContent = model.get("text");
    text.setAttribute("aria-label", model.get("title"));
    text.setAttribute("role", "region");
    said.textContent = "";
    el.classList.toggle("pnb-hidden", model.get("is_hidden"));
  };
  const take = async () => {
    try {
      await navigator.clipboard.writeText(model.get("text"));
      said.textContent = "Copied.";
    } catch {
      const range = document.createRange(); // no clipboard here: mark it, for the keyboard to copy
      range.selectNodeContents(text);
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      said.textContent = "Marked: copy it with the keyboard.";
    }
  };
  copy.addEventListener("click", take);
  model.on("change:text change:title change:is_hidden", show);
  show();
  return () => model.off("change:text change:title change:is_hidden", show);
}

export default { render };
