// From the text of a field to the value of its key, by kind of field; null takes the key out.

const SEPARATOR = /\r?\n/;

export function lines(text) {
  return text.split(SEPARATOR).map((line) => line.trim()).filter(Boolean);
}

// Texts that mean the same are the same here: what only differs in blank lines is not dirty.
export function settled(kind, text) {
  if (kind === "scopes") return words(text, /\s+/).join("\n");
  if (kind === "hosts") return lines(text).map(host).join("\n");
  if (["lines", "pairs", "rules", "hours"].includes(kind)) return lines(text).join("\n");
  return kind === "name" || kind === "text" || kind === "number" ? text.trim() : text;
}

// Throws Error, with a sentence, for a line that cannot be read; all else is the server's to judge.
export function valueOf(kind, text) {
  const read = READ[kind] || READ.text;
  return read(settled(kind, text));
}

const READ = {
  text: (text) => text || null,
  name: (text) => {
    if (!text) throw new Error("Give it a name.");
    return text;
  },
  choice: (text) => text || null,
  number: (text) => (/^[0-9]{1,9}$/.test(text) ? Number(text) : text || null),
  switch: (text) => text === "on",
  enabled: (text) => (text === "on" ? null : false),
  lines: (text) => orNull(lines(text)),
  hosts: (text) => orNull(lines(text)),
  scopes: (text) => orNull(lines(text)),
  pairs: (text) => {
    const found = lines(text).map(pair);
    return found.length ? Object.fromEntries(found) : null;
  },
  rules: (text) => orNull(lines(text).map(rule)),
  hours: (text) => orNull(lines(text).map(hours)),
  placement: (text) => orNull(JSON.parse(text).map(place)),
};

function orNull(list) {
  return list.length ? list : null;
}

function pair(line) {
  const at = line.indexOf(":");
  if (at < 1) throw new Error(`Write “${line}” as NAME: VALUE.`);
  return [line.slice(0, at).trim(), line.slice(at + 1).trim()];
}

function rule(line) {
  const [, before, after] = line.match(/^(.*?)(?:\bon\s+(.*))?$/s);
  const methods = words(before).filter((word) => word.toLowerCase() !== "any");
  const found = {};
  if (methods.length) found.methods = methods.map((method) => method.toUpperCase());
  if (after) found.paths = words(after);
  else if (line.trim().startsWith("/")) return { paths: words(line) };
  return found;
}

function hours(line) {
  const parts = line.split(/\s+/);
  if (parts.length < 2 || parts.length > 3) {
    throw new Error(`Write “${line}” like mon-fri 09:00-17:00 Europe/Berlin.`);
  }
  const [time, zone] = parts.slice(-2);
  if (parts.length === 2) return { time, zone };
  const days = words(parts[0]);
  return { days: days.length === 1 ? days[0] : days, time, zone };
}

function place({ kind, name, template }) {
  if (kind === "basic" || kind === "path") return { [kind]: template };
  return { [kind]: name, template };
}

function words(text, between = /[\s,]+/) {
  return text.split(between).filter(Boolean);
}

// An address as it is copied from a browser or from a manual: its host is what counts.
function host(line) {
  const [, name] = line.match(/^https:\/\/([^\s/?#@]+)(?:[/?#]\S*)?$/i) || [];
  return name || line;
}
