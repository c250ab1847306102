// Answering what waits. The list changes by itself, so a press just after it moved does not count.

import { call } from "./api.js";
import { clearErrors, showProblem } from "./fields.js";
import { say } from "./say.js";

const SETTLES = 700; // milliseconds after others have moved up

const list = () => document.getElementById("waiting");
const shown = () => [...list().querySelectorAll("[data-ask]")].map((ask) => ask.dataset.ask);
const dialog = document.getElementById("refusal");
const form = dialog.querySelector("form");
let known = shown();
let moved = -Infinity;
let refused = null;

function settled(event) {
  if (event.timeStamp - moved >= SETTLES) return true;
  say("The list has just changed. Look again, then answer.");
  return false;
}

async function answer(ask, yes, reason = "") {
  const buttons = ask.querySelectorAll("button");
  for (const button of buttons) button.disabled = true;
  try {
    await call("POST", `/approvals/${encodeURIComponent(ask.dataset.ask)}/answer`, { body: yes ? { answer: "yes" } : { answer: "no", reason } });
    say(`${yes ? "Approved" : "Refused"}: ${ask.dataset.what}`);
  } catch (problem) {
    for (const button of buttons) button.disabled = false;
    throw problem;
  }
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-approve], [data-refuse]");
  if (!button || !settled(event)) return;
  const ask = button.closest("[data-ask]");
  if (button.matches("[data-approve]")) {
    try { await answer(ask, true); } catch (problem) { say(problem.sentence, "alert"); }
    return;
  }
  refused = ask;
  form.reset();
  clearErrors(form);
  dialog.querySelector("[data-refused-target]").textContent = ask.dataset.what;
  dialog.showModal();
});

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    await answer(refused, false, form.elements.reason.value.trim());
    dialog.close();
  } catch (problem) {
    showProblem(form, problem);
  }
});

document.addEventListener("htmx:afterSwap", () => {
  const now = shown();
  if (known.some((id, place) => now[place] !== id)) moved = performance.now();
  known = now;
});

function words(seconds) {
  const minutes = Math.floor(seconds / 60);
  return minutes ? `${minutes} min ${seconds % 60} s` : `${seconds} s`;
}

setInterval(() => {
  for (const time of list().querySelectorAll("[data-left]")) {
    time.textContent = words(Math.max(0, Math.round((new Date(time.dataset.left) - Date.now()) / 1000)));
  }
}, 1000);
