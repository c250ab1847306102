// One field of the page: its text, what of it is stored, and what is said beside it.

import { settled, valueOf } from "./values.js";

export class Field {
  constructor(element) {
    this.element = element;
    this.key = element.dataset.field;
    this.kind = element.dataset.kind;
    this.saved = this.text;   // as the server last told it, or was last told
    this.told = this.saved;   // what the page would show, were nobody typing
    this.theirs = null;       // a text that somebody else stored while this one was being changed
    this.refused = null;      // the text that the server would not take
  }

  get label() {
    const label = this.element.querySelector("label, [id$='-label']");
    return this.key === "name" ? "Name" : label ? label.firstChild.textContent.trim() || label.textContent.trim() : this.key;
  }

  get control() { return this.element.querySelector("[data-control]"); }

  get text() { return readText(this.element, this.kind); }

  get dirty() { return !this.same(this.text, this.saved); }

  // Whether it waits to be sent: not while a conflict is open, nor the very text that was refused.
  get due() { return this.dirty && this.theirs === null && this.refused !== this.text; }

  get focused() { return this.element.contains(document.activeElement); }

  same(one, other) { return settled(this.kind, one) === settled(this.kind, other); }

  value() { return valueOf(this.kind, this.text); }

  write(text) {
    writeText(this.element, this.kind, text);
    this.element.dispatchEvent(new CustomEvent("keyhatch:written", { bubbles: true }));
  }

  // What the page says now. `own`: nothing but this page's own saves has changed it since.
  follow(text, own) {
    if (text === this.told) return;
    this.told = text;
    if (this.dirty) {
      if (!own && !this.same(text, this.saved) && !this.same(text, this.text)) this.theirs = text;
      else if (!own && this.same(text, this.text)) this.saved = text;
      return;
    }
    // An emptied field is as the provider has it again: shown once one has left it.
    if (own && this.focused) return;
    this.saved = text;
    if (!this.focused || !this.same(text, this.text)) this.write(text);
  }

  // One has left it: what it stands for is shown.
  left() {
    if (this.told === null || this.told === this.text || this.dirty || this.theirs !== null) return;
    this.saved = this.told;
    this.write(this.told);
  }

  stored(text) {
    this.saved = text;
    this.told = null; // the page is asked anew, and may show another text for the same
    this.refused = null;
    this.say("");
  }

  say(message) {
    const place = this.element.querySelector("[data-error-for]")
      || document.querySelector(`[data-error-for="${CSS.escape(this.key)}"]`);
    if (place) place.textContent = message;
    const control = this.control;
    if (!control) return;
    if (message) control.setAttribute("aria-invalid", "true");
    else control.removeAttribute("aria-invalid");
  }
}

export function readText(element, kind) {
  if (kind === "placement") return JSON.stringify([...element.querySelectorAll("[data-place]")].map(readPlace));
  const control = element.querySelector("[data-control]");
  if (control.type === "checkbox") return control.checked ? "on" : "";
  return control.value;
}

function writeText(element, kind, text) {
  if (kind === "placement") return writePlaces(element, JSON.parse(text));
  const control = element.querySelector("[data-control]");
  if (control.type === "checkbox") control.checked = text === "on";
  else control.value = text;
  return undefined;
}

function readPlace(row) {
  const part = (name) => row.querySelector(`[data-part="${name}"]`).value;
  return { kind: part("kind"), name: named(part("kind")) ? part("name") : "", template: part("template") };
}

function named(kind) { return kind === "header" || kind === "query"; }

function writePlaces(element, places) {
  for (const row of element.querySelectorAll("[data-place]")) row.remove();
  for (const place of places) addPlace(element, place);
}

export function addPlace(element, place) {
  const template = element.querySelector("template");
  const row = template.content.firstElementChild.cloneNode(true);
  if (place) {
    for (const name of ["kind", "name", "template"]) row.querySelector(`[data-part="${name}"]`).value = place[name];
  }
  template.before(row);
  showParts(row);
  return row;
}

export function showParts(row) {
  row.querySelector('[data-part="name"]').hidden = !named(row.querySelector('[data-part="kind"]').value);
}
