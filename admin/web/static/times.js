// Times come as UTC; a person sees them as far from now, with the local date and time behind.
// In a log (data-clock) it is the local time itself. What counts down (data-left) tells itself.

const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60]];
const relative = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "auto" });
const absolute = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });

function words(seconds) {
  for (const [unit, size] of UNITS) {
    if (Math.abs(seconds) >= size) return relative.format(Math.trunc(seconds / size), unit);
  }
  return seconds > 0 ? "in under a minute" : "just now";
}

export function localTimes(root) {
  for (const element of root.querySelectorAll("time[datetime]:not([data-clock], [data-left])")) {
    const moment = new Date(element.dateTime);
    if (Number.isNaN(moment.getTime())) continue;
    element.title = absolute.format(moment);
    element.textContent = words((moment.getTime() - Date.now()) / 1000);
  }
  clocks(root);
}

export function clocks(root) {
  const today = new Date().toDateString();
  for (const element of root.querySelectorAll("time[data-clock]")) {
    const moment = new Date(element.dateTime);
    if (Number.isNaN(moment.getTime())) continue;
    element.title = absolute.format(moment);
    const date = moment.toDateString() === today ? "" : `${day.format(moment)}, `;
    element.textContent = `${date}${clock.format(moment)}`;
  }
}
