// What has just happened, for eyes and for screen readers, in the page's one place for it.

const LASTS = 8000; // milliseconds
let timer = 0;

export function say(text, tone = "good") {
  const place = document.getElementById("messages");
  const banner = document.createElement("div");
  banner.className = `banner ${tone}`;
  banner.append(Object.assign(document.createElement("p"), { textContent: text }));
  place.replaceChildren(banner);
  clearTimeout(timer);
  if (tone !== "alert") timer = setTimeout(() => place.replaceChildren(), LASTS);
}
