// The log as it grows: new rows within a second, the drawing now and then; filters without their empty parts.

import { clocks } from "./times.js";

const EVERY = 800; // milliseconds
const KEPT = 500; // rows
const DRAWN_EVERY = 5000; // milliseconds, at least; ten times what the drawing takes to make
let paused = false;
let stale = false;
let drawnAt = performance.now();
let pause = DRAWN_EVERY;

const log = () => document.querySelector("#log[data-live]");

function showState() {
  const button = document.querySelector("[data-pause]");
  if (!button) return;
  button.hidden = false;
  button.setAttribute("aria-pressed", String(paused));
  button.querySelector("[data-pause-words]").textContent = paused ? "Paused" : "Live";
}

// Returns whether there may be more at once.
async function take(table) {
  const body = table.tBodies[0];
  const address = new URL(table.dataset.live, location.href);
  address.pathname += "/rows";
  address.searchParams.set("after", body.dataset.newer);
  const answer = await fetch(address);
  if (!answer.ok || !table.isConnected) return false;
  const holder = document.createElement("template");
  holder.innerHTML = await answer.text();
  const came = holder.content.querySelector("tbody");
  if (!came || !table.isConnected) return false;
  const moved = came.dataset.newer !== body.dataset.newer;
  body.dataset.newer = came.dataset.newer;
  const rows = [...came.rows];
  if (!rows.length) return moved;
  stale = true;
  clocks(came);
  for (const row of rows) row.classList.add("new");
  body.prepend(...rows);
  while (body.rows.length > KEPT) body.rows[body.rows.length - 1].remove();
  table.hidden = false;
  document.getElementById("nothing")?.remove();
  return moved;
}

async function drawAnew(table) {
  const drawing = document.getElementById("drawing");
  if (!stale || !drawing || performance.now() - drawnAt < pause) return;
  const began = performance.now();
  stale = false;
  const open = drawing.querySelector("details")?.open;
  const answer = await fetch(table.dataset.live);
  if (!answer.ok || !drawing.isConnected) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("drawing");
  drawnAt = performance.now();
  pause = Math.max(DRAWN_EVERY, 10 * (drawnAt - began));
  if (!fresh || drawing.contains(document.activeElement)) { stale = true; return; }
  if (open) fresh.querySelector("details").open = true;
  clocks(fresh);
  drawing.replaceWith(fresh);
}

async function look() {
  let again = false;
  const table = log();
  if (table && !paused && document.visibilityState === "visible") {
    try {
      again = await take(table);
      if (!again) await drawAnew(table);
    } catch { again = false; } // the page may be starting anew: look later
  }
  setTimeout(look, again ? 0 : EVERY);
}

document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-pause]")) return;
  paused = !paused;
  showState();
});

document.addEventListener("htmx:configRequest", (event) => {
  if (!event.target.matches(".filters")) return;
  const said = event.detail.parameters;
  for (const name of Object.keys(said)) if (!said[name]) delete said[name];
});
document.addEventListener("htmx:afterSwap", showState);

showState();
setTimeout(look, EVERY);
