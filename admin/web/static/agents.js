// The Agents tab: makes agents and tokens, grants connectors as they are ticked.

import { call } from "./api.js";
import { clearErrors, showProblem } from "./fields.js";
import { finders } from "./finder.js";
import { forgetToken, showToken } from "./token.js";
import { saveGrants } from "./grants.js";
import { say } from "./say.js";

const slug = document.querySelector("[data-agent]")?.dataset.agent;
const address = `/agents/${encodeURIComponent(slug)}`;

const ends = (form) => form.elements.expires_in.value || null;

function chosen(form) {
  return [...form.querySelectorAll('[name="connectors"]:checked')].map((box) => box.value);
}

// What the API says of a new agent without naming a field can only be about its name.
function aboutTheName(problem) {
  if ([409, 422].includes(problem.status) && !problem.fields.length) {
    problem.fields = [{ field: "name", message: problem.sentence }];
  }
  throw problem;
}

// Runs what a dialog's form is for; what goes wrong is told beside the fields.
function onSubmit(selector, act) {
  const form = document.querySelector(selector);
  if (!form) return;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    clearErrors(form);
    const button = form.querySelector('[type="submit"]');
    button.disabled = true;
    try {
      await act(form);
    } catch (problem) {
      showProblem(form, problem);
    } finally {
      button.disabled = false;
    }
  });
}

onSubmit("[data-new-agent]", async (form) => {
  const body = { name: form.elements.name.value, connectors: chosen(form), expires_in: ends(form) };
  const made = (await call("POST", "/agents", { body }).catch(aboutTheName)).body;
  showToken(form.closest("dialog"), made.agent, made.token, () => location.assign(`/settings/agents/${made.agent}`));
});

onSubmit("[data-new-token]", async (form) => {
  const body = { connectors: chosen(form), expires_in: ends(form) };
  const made = (await call("POST", `${address}/tokens`, { body })).body;
  showToken(form.closest("dialog"), made.agent, made.token, () => form.reset());
});

onSubmit("[data-revocation]", async (form) => {
  await call("DELETE", `${address}/tokens/${encodeURIComponent(form.dataset.token)}`);
  form.closest("dialog").close();
});

onSubmit("[data-deletion]", async () => {
  const etag = document.getElementById("grants").dataset.etag;
  await call("DELETE", address, { etag });
  location.assign("/settings/agents");
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-revokes]");
  if (!button) return;
  const dialog = document.getElementById("revoke-token");
  const form = dialog.querySelector("form");
  clearErrors(form);
  form.dataset.token = button.dataset.revokes;
  dialog.querySelector("[data-revoked]").textContent = button.dataset.revokes;
  dialog.showModal();
});

window.addEventListener("pagehide", forgetToken);
// Deleted by another tab, the command line or in the file: what is shown here is no more.
document.addEventListener("htmx:responseError", (event) => {
  if (!slug || event.detail.xhr.status !== 404) return;
  say("This agent was deleted elsewhere. The Agents tab has those that there are.", "alert");
  for (const control of document.querySelectorAll("main :is(button, input)")) control.disabled = true;
});
finders();
if (slug) saveGrants(address);
