// What every page does: dialogs, copying, times, the theme, and noticing changes made elsewhere.

import { create } from "./create.js";
import { watchForChanges } from "./changes.js";
import { localTimes } from "./times.js";
import { theme } from "./theme.js";

function openDialog(id) {
  const dialog = document.getElementById(id);
  dialog.showModal();
  const first = dialog.querySelector("[autofocus]");
  if (first) first.focus();
}

document.addEventListener("click", async (event) => {
  const opener = event.target.closest("[data-opens]");
  if (opener) openDialog(opener.dataset.opens);
  const closer = event.target.closest("[data-closes]");
  if (closer) closer.closest("dialog").close();
  const copier = event.target.closest("[data-copies]");
  if (copier) await copy(copier);
});

async function copy(button) {
  const text = document.getElementById(button.dataset.copies).textContent;
  const label = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Select and copy it";
  }
  setTimeout(() => { button.textContent = label; }, 2000);
}

for (const form of document.querySelectorAll("form[data-creates]")) create(form);
theme();
localTimes(document);
document.addEventListener("htmx:afterSettle", () => localTimes(document));
watchForChanges();
