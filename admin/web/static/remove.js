// Deleting a connector, once it is confirmed.

import { call } from "./api.js";
import { clearErrors, showProblem } from "./fields.js";

export function removing(page, autosave) {
  const form = document.querySelector("form[data-deletes]");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    clearErrors(form);
    const button = form.querySelector('[type="submit"]');
    button.disabled = true;
    await autosave.after(async () => {
      try {
        await call("DELETE", page.path, { etag: `"${page.tag}"` });
        autosave.world.drafts.forget();
        location.assign("/settings/connectors");
      } catch (problem) {
        if (problem.status === 412) await autosave.world.look();
        showProblem(form, problem);
        button.disabled = false;
      }
    });
  });
}
