// Times of events: "3 hours ago" for a week, then the day, in the reader's time zone and locale. The exact time
// stands in the title and, for screen readers and on paper, in the text. Without scripts all times are in UTC.
"use strict";
(() => {
  const MINUTE = 60;
  const UNITS = [
    ["day", 86_400],
    ["hour", 3600],
    ["minute", MINUTE],
  ];
  const RELATIVE_SECONDS = 7 * 86_400;
  const DAY = { year: "numeric", month: "short", day: "numeric" };
  const MOMENT = { ...DAY, hour: "2-digit", minute: "2-digit", timeZoneName: "short" };
  const words = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
  const exact = new Intl.DateTimeFormat(undefined, MOMENT);
  const day = new Intl.DateTimeFormat(undefined, DAY);

  const shortText = (moment) => {
    const seconds = (Date.now() - moment) / 1000;
    if (seconds < -MINUTE || seconds >= RELATIVE_SECONDS) return day.format(moment);
    const [unit, size] = UNITS.find(([, least]) => seconds >= least) ?? [null, 1];
    return unit ? words.format(-Math.floor(seconds / size), unit) : "just now";
  };
  const span = (className, text) => {
    const part = document.createElement("span");
    part.className = className;
    part.textContent = text;
    return part;
  };
  const show = () => {
    for (const time of document.querySelectorAll("time[data-ago]")) {
      const moment = new Date(time.dateTime);
      if (Number.isNaN(moment.getTime())) continue;
      const shown = shortText(moment);
      const [relative] = time.getElementsByClassName("time-relative");
      if (relative) {
        if (relative.textContent !== shown) relative.textContent = shown;
        continue;
      }
      time.title = exact.format(moment);
      const separator = span("visually-hidden", ", ");
      time.replaceChildren(span("time-relative", shown), separator, span("time-exact visually-hidden", time.title));
    }
  };
  document.addEventListener("DOMContentLoaded", show);
  document.addEventListener("htmx:after:settle", show);
  setInterval(show, MINUTE * 1000);
})();
