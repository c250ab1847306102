// The test with its real result, and agreeing to where a changed connector goes.

import { call, sentence } from "./api.js";

export function testing(root, page, autosave) {
  const form = root.querySelector("form[data-tests]");
  const button = form.querySelector("[type=submit]");
  const result = root.querySelector("[data-test-result]");

  function show(text, tone) {
    const line = document.createElement("p");
    line.className = `banner ${tone}`;
    line.textContent = text;
    result.replaceChildren(line);
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    show("Asking the service…", "info");
    await autosave.flush();
    try {
      const { body } = await call("POST", `${page.path}/test`, { body: { path: form.querySelector("input").value.trim() } });
      show(sentence(body.hint ? `${body.said}: ${body.hint}` : body.said), body.works ? "good" : "alert");
    } catch (problem) {
      show(problem.sentence, "alert");
    }
    button.disabled = false;
    autosave.look();
  });

  root.addEventListener("click", async (event) => {
    const confirms = event.target.closest("[data-confirms]");
    if (!confirms) return;
    confirms.disabled = true;
    await autosave.after(async () => {
      try {
        await call("POST", `${page.path}/confirm`, { etag: `"${page.tag}"`, body: {} });
      } catch (problem) {
        page.say(problem.sentence, "alert");
      }
      await autosave.world.look();
    });
  });
}
