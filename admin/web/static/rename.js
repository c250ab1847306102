// The name at the top: a click makes it a field, Enter keeps what is typed, Escape leaves it.

export function renaming(root, autosave) {
  const button = root.querySelector("[data-renames]");
  const input = root.querySelector("input.rename");
  const field = autosave.fields.find((candidate) => candidate.key === "name");

  function open() {
    input.hidden = false;
    button.hidden = true;
    input.focus();
    input.select();
  }

  function close({ refocus }) {
    input.hidden = true;
    button.hidden = false;
    if (refocus) button.focus();
  }

  button.addEventListener("click", open);
  input.addEventListener("keydown", async (event) => {
    if (event.key === "Escape") {
      field.write(field.saved);
      field.refused = null;
      field.say("");
      autosave.touched(field);
      close({ refocus: true });
    } else if (event.key === "Enter") {
      event.preventDefault();
      await autosave.save(field);
      if (!field.dirty) close({ refocus: true });
    }
  });
  input.addEventListener("blur", async () => {
    if (field.due) await autosave.save(field);
    if (!field.dirty) close({ refocus: false });
  });
  if (field.dirty) open();
  root.addEventListener("keyhatch:restored", () => { if (field.dirty) open(); });
}
