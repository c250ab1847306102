// A token is shown once: it is in the page until its dialog closes, and nowhere else.

export function showToken(dialog, agent, token, after) {
  const form = dialog.querySelector("form");
  const shown = dialog.querySelector("[data-token-shown]");
  shown.querySelector("[data-token-agent]").textContent = agent;
  shown.querySelector("[data-token]").textContent = token;
  form.hidden = true;
  shown.hidden = false;
  shown.querySelector("h2").focus();
  const stay = (event) => event.preventDefault(); // Escape would lose it for good
  dialog.addEventListener("cancel", stay);
  dialog.addEventListener("close", () => {
    dialog.removeEventListener("cancel", stay);
    forgetToken();
    shown.hidden = true;
    form.hidden = false;
    after();
  }, { once: true });
}

// Also when the page is left: a browser may keep it as it was, to go back to.
export function forgetToken() {
  for (const place of document.querySelectorAll("[data-token]")) place.textContent = "";
}
