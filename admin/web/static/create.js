// The dialog that makes a connector, and leads to its page.

import { call } from "./api.js";
import { clearErrors, showProblem } from "./fields.js";

export function create(form) {
  const provider = form.elements.provider;
  const hostField = form.querySelector("[data-host-field]");
  const providerField = form.querySelector("[data-provider-field]");
  const options = [...form.querySelectorAll("datalist option")];
  const chosenType = () => form.elements.type.value;

  function adjust() {
    const fixed = chosenType() === "intercom";
    providerField.hidden = fixed;
    hostField.hidden = fixed || provider.value.trim() !== "";
  }

  function wanted() {
    const body = { name: form.elements.name.value, type: chosenType() };
    if (body.type === "intercom") return body;
    const typed = provider.value.trim();
    const known = options.find((o) => o.value === typed || o.textContent.toLowerCase() === typed.toLowerCase());
    if (typed) body.provider = known ? known.value : typed;
    else if (form.elements.host.value.trim()) body.hosts = [form.elements.host.value.trim()];
    return body;
  }

  provider.addEventListener("input", () => {
    const known = options.find((option) => option.value === provider.value);
    const types = known ? known.dataset.types.split(" ") : [];
    if (known && !types.includes(chosenType())) form.elements.type.value = types[0];
    if (known && !form.elements.name.value) form.elements.name.value = known.textContent;
    adjust();
  });
  form.addEventListener("change", adjust);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    clearErrors(form);
    const button = form.querySelector('[type="submit"]');
    button.disabled = true;
    try {
      const made = await call("POST", "/connectors", { body: wanted() });
      location.assign(`/settings/connectors/${made.body.slug}`);
    } catch (problem) {
      showProblem(form, problem);
      button.disabled = false;
    }
  });
  adjust();
}
