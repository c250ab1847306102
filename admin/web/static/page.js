// What this tab knows of the connector, and how it learns what others have made of it.


import { readText } from "./field.js";
import { localTimes } from "./times.js";

const WHERE = "/settings/connectors";

export class Page {
  constructor(root) {
    this.root = root;
    this.slug = root.dataset.connector;
    this.id = root.dataset.id;
    this.tag = root.dataset.tag;
    this.entry = JSON.parse(root.dataset.entry);
    this.isGone = false;
    this.saving = root.querySelector("[data-saving]");
  }

  // Of the connector in the API.
  get path() { return `/connectors/${encodeURIComponent(this.slug)}`; }

  get address() { return `${WHERE}/${encodeURIComponent(this.slug)}`; }

  // A change of ours was stored.
  taken({ etag, body }) {
    this.tag = etag.replace(/"/g, "").split("-")[0]; // what the file says, not what it comes to
    this.entry = body.definition;
    this.moveTo(body.slug);
    this.named(body.name);
  }

  moveTo(slug) {
    if (slug === this.slug) return;
    this.slug = slug;
    this.root.dataset.connector = slug;
    for (const place of document.querySelectorAll("[data-slug]")) place.textContent = slug;
    history.replaceState(history.state, "", this.address + location.hash);
  }

  named(name) {
    for (const place of document.querySelectorAll("[data-name]")) place.textContent = name;
    document.title = `${name} · Keyhatch`;
  }

  // Reads the page anew and shows what it says. Returns whether there is one.
  async look(fields) {
    let answer;
    try {
      answer = await fetch(`${this.address}?id=${encodeURIComponent(this.id)}`);
    } catch {
      return false; // the next change, or the next save, tries again
    }
    if (answer.status === 404) {
      this.gone();
      return false;
    }
    if (!answer.ok) return false;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    const root = fresh.getElementById("connector");
    if (!root) return false;
    if (shapeOf(root) !== shapeOf(this.root)) {
      location.reload(); // other fields belong to it now; what was typed is kept as a draft
      return false;
    }
    this.follow(root, fields);
    replaceLive(fresh);
    return true;
  }

  follow(root, fields) {
    const own = root.dataset.tag === this.tag;
    this.tag = root.dataset.tag;
    this.entry = JSON.parse(root.dataset.entry);
    for (const field of fields) {
      const element = root.querySelector(`[data-field="${CSS.escape(field.key)}"]`);
      field.follow(readText(element, field.kind), own);
    }
    this.moveTo(root.dataset.connector);
    this.named(root.querySelector("[data-name]").textContent);
  }

  // It is not there any more, under any name.
  gone() {
    this.say("This connector was deleted elsewhere.", "alert");
    this.show("failed", "Deleted elsewhere");
    this.isGone = true;
    for (const control of this.root.querySelectorAll("input, textarea, select, button")) control.disabled = true;
  }

  show(state, words, more = "") {
    if (this.isGone) return;
    if (this.saving.textContent !== words) this.saving.textContent = words;
    this.saving.dataset.state = state;
    this.saving.title = more;
    if (more && state === "failed") this.saving.textContent = `${words}: ${more}`;
  }

  say(text, tone = "info") {
    const banner = document.createElement("p");
    banner.className = `banner ${tone}`;
    banner.textContent = text;
    document.getElementById("messages").replaceChildren(banner);
  }
}

// Which fields and secrets a page has, and how one connects: when these change, it is another page.
function shapeOf(root) {
  return [...root.querySelectorAll("[data-field], [data-secret], [data-shape]")]
    .map(({ dataset }) => dataset.field || dataset.secret || dataset.shape).join(" ");
}

function replaceLive(fresh) {
  for (const old of document.querySelectorAll("[data-live]")) {
    const now = fresh.querySelector(`[data-live="${CSS.escape(old.dataset.live)}"]`);
    if (!now || now.outerHTML === old.dataset.was || now.isEqualNode(old)) continue;
    const held = old.contains(document.activeElement) ? document.activeElement : null;
    if (held?.matches("input, textarea, select")) continue;
    const copy = document.importNode(now, true);
    copy.dataset.was = now.outerHTML; // times are rewritten, which is no difference
    old.replaceWith(copy);
    localTimes(copy);
    if (held) takeOver(held, copy);
  }
}

// The focus goes on to what has come in place of what had it.
function takeOver(held, copy) {
  const does = JSON.stringify(held.dataset);
  const buttons = [...copy.querySelectorAll("button, a")];
  (buttons.find((button) => JSON.stringify(button.dataset) === does) || buttons[0])?.focus();
}


