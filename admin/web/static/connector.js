// The configuration page of a connector: what is typed is saved, what others change is followed.

import { call } from "./api.js";
import { Autosave } from "./autosave.js";
import { hideConflict, showConflict } from "./conflicts.js";
import { connecting } from "./connect.js";
import { Drafts } from "./drafts.js";
import { Field, addPlace, showParts } from "./field.js";
import { Page } from "./page.js";
import { renaming } from "./rename.js";
import { removing } from "./remove.js";
import { secrets } from "./secrets.js";
import { testing } from "./testing.js";

const root = document.getElementById("connector");
const page = new Page(root);
const fields = [...root.querySelectorAll("[data-field]")].map((element) => new Field(element));
const drafts = new Drafts(root.dataset.id);

const world = {
  drafts,
  get entry() { return page.entry; },
  get tag() { return page.tag; },
  async patch(changes, tag, { keepalive = false } = {}) {
    return call("PATCH", page.path, { body: changes, etag: `"${tag}"`, keepalive });
  },
  taken(answer) { page.taken(answer); },
  async look() {
    if (!(await page.look(fields))) return;
    for (const field of fields) {
      if (field.theirs === null) hideConflict(field);
      else showConflict(field, autosave);
    }
  },
  show: (state, words, more) => page.show(state, words, more),
};
const autosave = new Autosave(fields, world);

function fieldOf(target) {
  const element = target.closest("[data-field]");
  return element && fields.find((field) => field.element === element);
}

root.addEventListener("input", (event) => {
  const field = fieldOf(event.target);
  if (!field) return;
  const place = event.target.closest("[data-place]");
  if (place) showParts(place);
  autosave.touched(field, event.target.matches("select, [type=checkbox]") ? 0 : undefined);
});

root.addEventListener("focusout", (event) => {
  const field = fieldOf(event.target);
  if (!field || field.element.contains(event.relatedTarget)) return;
  if (field.due) autosave.save(field);
  else field.left();
});

root.addEventListener("click", (event) => {
  const field = fieldOf(event.target);
  if (field && event.target.closest("[data-adds-place]")) {
    addPlace(field.element).querySelector('[data-part="name"]').focus();
  } else if (field && event.target.closest("[data-takes-place]")) {
    event.target.closest("[data-place]").remove();
    autosave.touched(field, 0);
  }
});

document.addEventListener("keyhatch:changed", () => autosave.look());
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "hidden") autosave.flush();
});
window.addEventListener("pagehide", () => autosave.leave());

// A link within the settings waits until what was typed is stored, if that is soon.
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href^='/']");
  if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
  if (!fields.some((field) => field.due) && !autosave.busy) return;
  event.preventDefault();
  const soon = new Promise((resolve) => { setTimeout(resolve, 2000); });
  Promise.race([autosave.flush(), soon]).then(() => location.assign(link.href));
});

function restore() {
  const restored = drafts.restore(fields);
  if (!restored.length) return;
  const names = restored.map((field) => field.label).join(", ");
  page.say(`What had not been saved is back: ${names}.`);
  for (const field of restored) {
    const details = field.element.closest("details");
    if (details) details.open = true;
    if (field.theirs === null) autosave.touched(field, 0);
    else showConflict(field, autosave);
  }
  autosave.show();
}

renaming(root, autosave);
removing(page, autosave);
secrets(root, page, autosave);
testing(root, page, autosave);
connecting(root, page, autosave);
restore();
root.dataset.running = "";
