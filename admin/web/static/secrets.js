// Secrets go in and never come out: stored when pasted, entered or left, shown as set or not set.

import { call } from "./api.js";
import { clearErrors, showProblem } from "./fields.js";

export function secrets(root, page, autosave) {
  for (const form of root.querySelectorAll("form[data-secret]")) entering(form, page, autosave);
  clearing(root, page, autosave);
}

function entering(form, page, autosave) {
  const typed = form.querySelector("[data-typed]");
  const button = form.querySelector("[data-stores]");
  const state = () => form.querySelector(".state");
  let storing = null;

  async function store(text) {
    if (!text || storing === text) return;
    storing = text;
    clearErrors(form);
    page.show("saving", "Saving…");
    try {
      // After what is being saved: that may rename the connector, or move it to another host.
      await autosave.flush();
      const path = `${page.path}/credentials/${encodeURIComponent(form.dataset.secret)}`;
      await call("PUT", path, { body: { secret: text } });
      if (typed.value === text) typed.value = "";
      button.hidden = !typed.value;
      page.show("saved", "Saved");
      autosave.look();
    } catch (problem) {
      page.show("failed", "Not saved");
      showProblem(form, problem);
      state().scrollIntoView({ block: "nearest" });
    } finally {
      storing = null;
    }
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    store(typed.value);
  });
  typed.addEventListener("input", (event) => {
    clearErrors(form);
    button.hidden = !typed.value;
    if (event.inputType === "insertFromPaste" || event.inputType === "insertFromDrop") store(typed.value);
  });
  typed.addEventListener("change", () => store(typed.value));
  form.querySelector("[data-file]")?.addEventListener("change", async (event) => {
    const [file] = event.target.files;
    if (file) await store(await file.text());
    event.target.value = "";
  });
}

function clearing(root, page, autosave) {
  const dialog = document.getElementById("clearing");
  const form = dialog.querySelector("form");
  let slot = "";
  root.addEventListener("click", (event) => {
    const button = event.target.closest("[data-clears]");
    if (!button) return;
    slot = button.dataset.clears;
    const label = button.dataset.label;
    dialog.querySelector("[data-what]").textContent = /^[A-Z]{2}/.test(label)
      ? label : label.charAt(0).toLowerCase() + label.slice(1);
    clearErrors(form);
    dialog.showModal();
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      await autosave.flush();
      await call("DELETE", `${page.path}/credentials/${encodeURIComponent(slot)}`);
      dialog.close();
      page.show("saved", "Cleared");
    } catch (problem) {
      showProblem(form, problem);
    }
    autosave.look();
  });
}
