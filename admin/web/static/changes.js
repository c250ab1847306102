// Changes that another tab, the command line or an editor made show within a second.

import { say } from "./say.js";

const EVERY = 700; // milliseconds
const PATIENCE = 3; // times

async function markNow() {
  try {
    const answer = await fetch("/settings/mark");
    return answer.ok ? await answer.text() : null;
  } catch {
    return undefined; // nothing answers there
  }
}

// A page whose server has ended looks as if all were well, until something is pressed.
const silence = {
  failures: 0,
  heard(answered) {
    const wasSilent = this.failures >= PATIENCE;
    this.failures = answered ? 0 : this.failures + 1;
    if (answered && wasSilent) document.getElementById("messages").replaceChildren();
    if (this.failures === PATIENCE) {
      say("Keyhatch does not answer, and what is shown may be old. Start it again in a terminal with `keyhatch ui`, which opens this page anew.", "alert");
    }
  },
};

function refresh(element) {
  if (element.contains(document.activeElement) && document.activeElement !== document.body) {
    if (document.activeElement.matches('input:not([type="checkbox"]), textarea, select')) return;
  }
  // Each is its own source: of several with one source, htmx leaves out all but the last.
  window.htmx.ajax("GET", element.dataset.refreshes, {
    source: element, target: element, select: `#${element.id}`, swap: "outerHTML",
  });
}

export function watchForChanges() {
  let known = document.querySelector('meta[name="mark"]').content;
  async function look() {
    if (document.visibilityState === "visible") {
      const now = await markNow();
      silence.heard(now !== undefined);
      if (now && now !== known) {
        known = now;
        document.dispatchEvent(new CustomEvent("keyhatch:changed"));
        for (const element of document.querySelectorAll("[data-refreshes]")) refresh(element);
      }
    }
    setTimeout(look, EVERY);
  }
  setTimeout(look, EVERY);
}
