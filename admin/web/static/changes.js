// Changes that another tab, the command line or an editor made show within a second.

const EVERY = 700; // milliseconds

async function markNow() {
  try {
    const answer = await fetch("/settings/mark");
    return answer.ok ? await answer.text() : null;
  } catch {
    return null;
  }
}

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
      if (now !== null && now !== known) {
        known = now;
        document.dispatchEvent(new CustomEvent("keyhatch:changed"));
        for (const element of document.querySelectorAll("[data-refreshes]")) refresh(element);
      }
    }
    setTimeout(look, EVERY);
  }
  setTimeout(look, EVERY);
}
