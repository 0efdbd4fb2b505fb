/** The exported page: its own recordings, decoded, run side by side on one desk. */

async function listen() {
  const place = /** @type {HTMLElement} */ (document.querySelector("main"));
  const status = /** @type {HTMLElement} */ (document.querySelector("[role=status]"));
  const audios = [...document.querySelectorAll("audio")];
  const context = new AudioContext();
  status.textContent = "Reading the recordings …";
  const buffers = [];
  for (const audio of audios) {
    const text = atob(audio.src.slice(audio.src.indexOf(",") + 1));
    const bytes = Uint8Array.from(text, (sign) => sign.charCodeAt(0));
    buffers.push(await context.decodeAudioData(bytes.buffer));
  }
  const labels = audios.map((_, i) => String(i + 1));
  const names = Object.fromEntries(
    audios.map((audio, i) => [labels[i], audio.parentElement?.querySelector("bdi")?.textContent]),
  );
  const deck = new Deck(context, buffers, { loops: place.dataset.loops === "true" });
  const desk = new Desk(deck, labels, {
    names: /** @type {any} */ (names),
    onTurn: (label) => {
      status.textContent = `${label} is heard.`;
    },
  });
  document.getElementById("desk")?.append(
    desk.element,
    h("p", {
      class: "pnb-small",
      text: "Keys: 1 2 … switch · space plays · ← → go through the music · ↑ ↓ next recording",
    }),
  );
  /** @type {any} */ (document.getElementById("players")).hidden = true;
  place.addEventListener("keydown", (event) => {
    if (desk.key(event)) event.preventDefault();
  });
  status.textContent = "Ready: press play, or space.";
  place.focus();
}

listen().catch((error) => {
  // The plain players are still there.
  const status = document.querySelector("[role=status]");
  if (status) status.textContent = `They cannot be synchronised here (${error}).`;
});
