// A field that leaves of a long list what has its words; what is ticked stays in sight.

function find(input) {
  const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const item of document.querySelectorAll(`${input.dataset.finds} [data-found-by]`)) {
    const text = item.dataset.foundBy.toLowerCase();
    const ticked = words.length && input.closest("dialog") && item.querySelector(":checked");
    item.hidden = !ticked && !words.every((word) => text.includes(word));
  }
}

export function finders() {
  const all = [...document.querySelectorAll("[data-finds]")];
  for (const input of all) input.addEventListener("input", () => find(input));
  document.addEventListener("htmx:afterSwap", () => all.forEach(find));
}
