// Messages beside fields: where a problem names a field, there; else where the form has a place.

import { sentence } from "./api.js";

export function clearErrors(form) {
  for (const place of form.querySelectorAll("[data-error-for]")) place.textContent = "";
  for (const input of form.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
}

export function showProblem(form, problem) {
  clearErrors(form);
  const faults = problem.fields.length ? problem.fields : implied(problem);
  let rest = faults.length === 0;
  for (const { field, message, hint } of faults) {
    const place = placeFor(form, field);
    if (place) {
      place.textContent = sentence(hint ? `${message}: ${hint}` : message);
      const input = form.querySelector(`[aria-describedby~="${place.id}"]`);
      if (input) input.setAttribute("aria-invalid", "true");
    } else {
      rest = true;
    }
  }
  if (rest) {
    const place = form.querySelector('[data-error-for=""]');
    if (place) place.textContent = problem.sentence;
  }
  const first = form.querySelector('[aria-invalid="true"]');
  if (first) first.focus();
}

// What collides with something that exists does so by its name.
function implied(problem) {
  return problem.code === "conflict" ? [{ field: "name", message: problem.sentence }] : [];
}

// `placement.header` and `hosts.0` are shown where `placement` and `hosts` are, unless named in full.
function placeFor(form, field) {
  const parts = field.split(".");
  while (parts.length && parts[0]) {
    const places = form.querySelectorAll(`[data-error-for="${CSS.escape(parts.join("."))}"]`);
    const shown = [...places].find((place) => !place.closest("[hidden]"));
    if (shown) return shown;
    parts.pop();
  }
  return null;
}
