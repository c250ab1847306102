// What could not be saved, kept in this tab until it can: never a secret, for those are no fields.

export class Drafts {
  constructor(id, storage = sessionStorage) {
    this.name = `draft:${id}`;
    this.storage = storage;
  }

  keep(fields) {
    const kept = {};
    for (const field of fields) {
      if (field.dirty) kept[field.key] = { text: field.text, saved: field.saved };
    }
    try {
      if (Object.keys(kept).length) this.storage.setItem(this.name, JSON.stringify(kept));
      else this.storage.removeItem(this.name);
    } catch {
      // a full or forbidden storage: what is typed is still on the page
    }
  }

  forget() {
    this.storage.removeItem(this.name);
    this.keep = () => {};
  }

  // Puts back what was typed. Returns the fields that have it, and those that changed meanwhile.
  restore(fields) {
    let kept = {};
    try { kept = JSON.parse(this.storage.getItem(this.name) || "{}"); } catch { kept = {}; }
    const restored = [];
    for (const field of fields) {
      const draft = kept[field.key];
      if (!draft || field.same(draft.text, field.text)) continue;
      const moved = !field.same(draft.saved, field.text);
      const theirs = field.text;
      field.write(draft.text);
      if (moved) field.theirs = theirs;
      restored.push(field);
    }
    return restored;
  }
}
