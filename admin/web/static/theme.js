// Light, dark, or as the system has it; remembered in this browser.

const KEY = "theme";
const NEXT = { auto: "light", light: "dark", dark: "auto" };

function apply(name) {
  if (name === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = name;
}

export function theme() {
  let name = localStorage.getItem(KEY);
  if (!(name in NEXT)) name = "auto";
  apply(name);
  const button = document.querySelector("[data-theme-switch]");
  if (!button) return;
  const shown = button.querySelector("[data-theme-name]");
  shown.textContent = name;
  button.hidden = false;
  button.addEventListener("click", () => {
    name = NEXT[name];
    localStorage.setItem(KEY, name);
    shown.textContent = name;
    apply(name);
  });
}
