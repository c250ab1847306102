// Connectors granted and taken away as they are ticked, one after the other, from the state that is shown.

import { call } from "./api.js";

const list = () => document.getElementById("grants");
const state = document.querySelector("[data-saving]");
// How grants were narrowed when they were taken away here: a second thought must not widen them.
const narrowed = new Map();
let queue = Promise.resolve();
let changing = 0;

function told(kind, text) {
  state.dataset.state = kind;
  state.textContent = text;
}

function refresh() {
  window.htmx.ajax("GET", list().dataset.refreshes, { source: list(), target: list(), select: "#grants", swap: "outerHTML" });
}

async function save(address, slug, wanted) {
  told("saving", "Saving…");
  try {
    const path = `${address}/grants/${encodeURIComponent(slug)}`;
    const body = wanted ? narrowed.get(slug) || {} : undefined;
    const answer = await call(wanted ? "PUT" : "DELETE", path, { etag: list().dataset.etag, body });
    if (answer.etag) list().dataset.etag = answer.etag;
    told("saved", "Saved");
  } catch (problem) {
    if (problem.status === 412) told("conflict", "Changed elsewhere meanwhile: this is how it is now. Tick again what you want.");
    else told("failed", problem.sentence);
    refresh();
  }
}

export function saveGrants(address) {
  document.addEventListener("change", (event) => {
    const box = event.target.closest("[data-grant]");
    if (!box) return;
    if (!box.checked) narrowed.set(box.dataset.grant, JSON.parse(box.dataset.policy));
    changing += 1;
    queue = queue.then(() => save(address, box.dataset.grant, box.checked)).finally(() => { changing -= 1; });
  });
  // A list drawn before the last tick was saved would take it back for a moment.
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target.id === "grants" && changing > 1) event.detail.shouldSwap = false;
  });
}
