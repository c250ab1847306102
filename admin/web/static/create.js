// The dialog that makes a connector, and leads to its page.

import { Problem, call } from "./api.js";
import { Combobox } from "./combobox.js";
import { clearErrors, showProblem } from "./fields.js";

export function create(form) {
  const name = form.elements.name;
  const providerField = form.querySelector("[data-provider-field]");
  const asked = [...form.querySelectorAll("[data-asked]")];
  const chosenType = () => form.elements.type.value;
  let named = ""; // by us, after a provider

  const provider = new Combobox(form.querySelector("[data-combobox]"), {
    fits: (option) => option.dataset.type === chosenType(),
    chosen(option) {
      ask(option ? option.dataset.asks : undefined);
      if (option && (!name.value.trim() || name.value === named)) name.value = named = option.dataset.name;
    },
  });

  function ask(which) {
    for (const group of asked) group.hidden = group.disabled = group.dataset.asked !== which;
  }

  function adjust(event) {
    if (!event.target.matches("[name=type]")) return;
    providerField.hidden = chosenType() === "intercom";
    const same = provider.options.find((o) => o.dataset.value === provider.value && provider.fits(o));
    if (same) provider.pick(same);
    else provider.clear();
  }

  function unknown() {
    if (provider.value || !provider.text || chosenType() === "intercom") return false;
    const message = "the catalog has no such provider: choose one that is listed, or leave this empty";
    showProblem(form, new Problem(422, { fields: [{ field: "provider", message }] }));
    return true;
  }

  function wanted() {
    const body = { name: name.value.trim(), type: chosenType() };
    if (body.type === "intercom") return body;
    if (provider.value) body.provider = provider.value;
    const vars = [...form.querySelectorAll("[data-asked]:not([hidden]) [data-var]")]
      .map((input) => [input.dataset.var, input.value.trim()]).filter(([, value]) => value);
    if (vars.length) body.vars = Object.fromEntries(vars);
    return body;
  }

  form.addEventListener("change", adjust);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    clearErrors(form);
    if (unknown()) return;
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
}
