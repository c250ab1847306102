// Saves fields as they are typed: one request at a time, and never over what one has not seen.

import { Problem, sentence } from "./api.js";

const DELAY = 600; // milliseconds after the last key
const RETRIES = [2000, 5000, 15000, 30000];
const AGAIN = 3;

// `world` has: entry, tag, drafts; patch(changes, tag, {keepalive}) -> answer; taken(answer);
// look(); show(state, words, more).
export class Autosave {
  constructor(fields, world) {
    this.fields = fields;
    this.world = world;
    this.turn = Promise.resolve();
    this.timers = new Map();
    this.failures = 0;
    this.busy = 0;
    this.offline = "";
  }

  touched(field, delay = DELAY) {
    if (field.refused !== null && field.refused !== field.text) {
      field.refused = null;
      field.say("");
    }
    this.world.drafts.keep(this.fields);
    clearTimeout(this.timers.get(field));
    if (field.due) this.timers.set(field, setTimeout(() => this.save(field), delay));
    else this.timers.delete(field);
    this.show();
  }

  // Everything that is due, now. Resolves when that is done, well or badly.
  flush() {
    for (const field of this.fields) if (field.due) this.save(field);
    return this.turn;
  }

  save(field) {
    clearTimeout(this.timers.get(field));
    this.timers.delete(field);
    return this.after(() => this.send(field, AGAIN));
  }

  // Nothing of ours runs beside anything else of ours: neither two saves, nor a save and a look.
  after(task) {
    this.busy += 1;
    this.show();
    this.turn = this.turn.then(task).catch((error) => console.error(error)).finally(() => {
      this.busy -= 1;
      this.world.drafts.keep(this.fields);
      this.show();
    });
    return this.turn;
  }

  look() { return this.after(() => this.world.look()); }

  async send(field, times) {
    if (!field.due) return;
    const text = field.text;
    const changes = this.changesOf([field]);
    if (changes === null) return;
    try {
      const answer = await this.world.patch(changes, this.world.tag);
      this.reached();
      this.world.taken(answer);
      field.stored(text);
      this.tryAgain(field);
    } catch (problem) {
      await this.failed(field, text, problem, times);
    }
  }

  // What was refused may fit what is stored now: a grant, say, once its URL is there.
  tryAgain(stored) {
    for (const field of this.fields) {
      if (field === stored || field.refused === null || field.refused !== field.text) continue;
      field.refused = null;
      this.timers.set(field, setTimeout(() => this.save(field)));
    }
  }

  async failed(field, text, problem, times) {
    if (!(problem instanceof Problem)) throw problem;
    if (problem.status === 412 || problem.status === 404) {
      await this.world.look(); // 404: it may have another name now
      if (times > 0) await this.send(field, times - 1);
    } else if (problem.status === 0 || problem.status === 401 || problem.status >= 500) {
      this.later(problem);
    } else {
      this.reached();
      field.refused = text;
      field.say(messageFor(field, problem));
    }
  }

  // What the body of a request has for some fields; null where one of them cannot be read.
  changesOf(fields) {
    const changes = {};
    for (const field of fields) {
      let value;
      try {
        value = field.value();
      } catch (error) {
        field.refused = field.text;
        field.say(error.message);
        return null;
      }
      merge(changes, this.world.entry, field.key, value);
    }
    return changes;
  }

  later(problem) {
    // A banner of the page says what and where.
    this.offline = problem.code === "broken-file" ? "connectors.yaml has a mistake" : problem.sentence;
    const wait = RETRIES[Math.min(this.failures, RETRIES.length - 1)];
    this.failures += 1;
    clearTimeout(this.retry);
    this.retry = setTimeout(() => this.flush(), wait);
  }

  reached() {
    this.offline = "";
    this.failures = 0;
  }

  // The page goes away: one last request, which the browser carries on with by itself.
  leave() {
    this.world.drafts.keep(this.fields);
    const due = this.fields.filter((field) => field.due);
    const changes = due.length ? this.changesOf(due) : null;
    if (changes) this.world.patch(changes, this.world.tag, { keepalive: true }).catch(() => {});
  }

  show() {
    const open = this.fields.filter((field) => field.theirs !== null).length;
    const refused = this.fields.filter((field) => field.dirty && field.refused !== null).length;
    const due = this.fields.some((field) => field.due);
    if (open) this.world.show("conflict", open === 1 ? "Changed elsewhere" : `${open} changed elsewhere`);
    else if (this.offline && due) this.world.show("failed", "Not saved", this.offline);
    else if (due) this.world.show("saving", "Saving…");
    else if (refused) this.world.show("failed", refused === 1 ? "1 field not saved" : `${refused} fields not saved`);
    else if (this.wasDue) this.world.show("saved", "Saved");
    this.wasDue = this.wasDue || due;
  }
}

// `vars.subdomain` is part of the value of `vars`, which is sent whole.
export function merge(changes, entry, key, value) {
  const [root, inner] = key.split(".", 2);
  if (inner === undefined) {
    changes[root] = value;
    return;
  }
  const whole = { ...(root in changes ? changes[root] : entry[root]) };
  if (value === null) delete whole[inner];
  else whole[inner] = value;
  changes[root] = Object.keys(whole).length ? whole : null;
}

function messageFor(field, problem) {
  const root = field.key.split(".")[0];
  const own = problem.fields.find((fault) => fault.field === field.key || fault.field.startsWith(`${field.key}.`))
    || problem.fields.find((fault) => fault.field.split(".")[0] === root);
  if (!own) return problem.sentence;
  return sentence(own.hint ? `${own.message}: ${own.hint}` : own.message);
}
