// Beside a field that somebody else changed too: both texts, and which of them is to stay.

export function showConflict(field, autosave) {
  hideConflict(field);
  const details = field.element.closest("details");
  if (details) details.open = true;
  const box = make("div", "conflict");
  box.setAttribute("role", "alert");
  box.dataset.conflict = field.key;
  box.append(make("p", "", "This was changed elsewhere while you were changing it."));
  const facts = make("dl", "facts");
  facts.append(make("dt", "", "Theirs"), told(field, field.theirs), make("dt", "", "Mine"), told(field, field.text));
  const actions = make("div", "actions start");
  actions.append(
    button("Keep mine", () => settle(field, autosave, () => { field.saved = field.theirs; })),
    button("Take theirs", () => settle(field, autosave, () => {
      field.saved = field.theirs;
      field.write(field.theirs);
    })),
  );
  box.append(facts, actions);
  const place = field.key === "name" ? document.querySelector("[data-conflicts]") : field.element;
  place.append(box);
}

export function hideConflict(field) {
  document.querySelector(`[data-conflict="${CSS.escape(field.key)}"]`)?.remove();
}

function settle(field, autosave, choose) {
  choose();
  field.theirs = null;
  field.told = null;
  hideConflict(field);
  field.control?.focus();
  autosave.touched(field, 0);
  autosave.look();
}

function told(field, text) {
  const shown = make("dd", "mono", inWords(field, text));
  return shown;
}

function inWords(field, text) {
  if (field.kind === "placement") {
    return JSON.parse(text).map((row) => [row.kind, row.name, row.template].filter(Boolean).join(" ")).join("\n");
  }
  if (field.kind === "switch" || field.kind === "enabled") return text ? "on" : "off";
  return text || "(empty)";
}

function make(tag, className, text = "") {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.textContent = text;
  return element;
}

function button(text, act) {
  const element = make("button", "", text);
  element.type = "button";
  element.addEventListener("click", act);
  return element;
}
