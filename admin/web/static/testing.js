// The test with its real result, and agreeing to where a changed connector goes.

import { call, sentence } from "./api.js";
import { placeOf } from "./terms.js";

export function testing(root, page, autosave) {
  const form = root.querySelector("form[data-tests]");
  const button = form.querySelector("[type=submit]");
  const result = root.querySelector("[data-test-result]");

  function show(text, tone, hint = "") {
    const line = document.createElement("p");
    line.className = `banner ${tone}`;
    line.append(Object.assign(document.createElement("span"), { textContent: text }));
    const place = placeOf(hint);
    if (place) line.append(way(place));
    result.replaceChildren(line);
  }

  // To where on this page it is mended.
  function way(place) {
    const to = Object.assign(document.createElement("button"), { type: "button", textContent: "Go there" });
    to.addEventListener("click", () => {
      place.scrollIntoView({ block: "center" });
      place.focus();
    });
    return to;
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    show("Asking the service…", "info");
    await autosave.flush();
    try {
      const { body } = await call("POST", `${page.path}/test`, { body: { path: form.querySelector("input").value.trim() } });
      show(sentence(body.hint ? `${body.said}: ${body.hint}` : body.said), body.works ? "good" : "alert", body.hint);
    } catch (problem) {
      show(problem.sentence, "alert", problem.hint);
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
