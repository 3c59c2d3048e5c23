// Progressive enhancement: each form and link also works without this file. Loaded in <head> without
// defer, so that the theme is set before the first paint; all other listeners are on the document.
"use strict";
(() => {
  const root = document.documentElement;
  root.classList.add("js");

  // --- Theme. Without an attribute on <html>, the page follows the system (static/css/base.css).
  const THEME = "theme";
  const systemDark = matchMedia("(prefers-color-scheme: dark)");
  const stored = () => {
    try {
      return localStorage.getItem(THEME);
    } catch {
      return null; // storage is disabled: follow the system
    }
  };
  const showTheme = () => {
    const choice = stored();
    if (choice === "light" || choice === "dark") root.dataset.bsTheme = choice;
    else delete root.dataset.bsTheme;
    const dark = choice ? choice === "dark" : systemDark.matches;
    root.classList.toggle("dark-mode", dark); // the class of Swagger UI's style sheet
    for (const button of document.querySelectorAll("[data-theme-switch]")) {
      button.setAttribute("aria-pressed", String(dark));
    }
  };
  const switchTheme = () => {
    const dark = root.dataset.bsTheme ? root.dataset.bsTheme === "dark" : systemDark.matches;
    try {
      // Choosing the system's theme means following the system again.
      if (dark !== systemDark.matches) localStorage.removeItem(THEME);
      else localStorage.setItem(THEME, dark ? "light" : "dark");
    } catch {
      root.dataset.bsTheme = dark ? "light" : "dark";
      return;
    }
    showTheme();
  };
  showTheme();
  document.addEventListener("DOMContentLoaded", showTheme);
  systemDark.addEventListener("change", showTheme);
  addEventListener("storage", showTheme);

  // --- Copy buttons.
  const copyText = async (text) => {
    if (navigator.clipboard) return navigator.clipboard.writeText(text);
    const area = document.createElement("textarea"); // plain HTTP has no clipboard API except on localhost
    area.value = text;
    area.className = "visually-hidden";
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    if (!done) throw new Error("the browser refused to copy");
  };
  const copy = async (button) => {
    const status = button.querySelector("[data-copy-status]");
    try {
      await copyText(button.dataset.copy);
      button.classList.add("is-copied");
      status.textContent = "Copied";
    } catch {
      status.textContent = "Not copied: select the text instead";
    }
    setTimeout(() => {
      button.classList.remove("is-copied");
      status.textContent = "";
    }, 2500);
  };

  document.addEventListener("click", (event) => {
    if (!(event.target instanceof Element)) return;
    if (event.target.closest("[data-theme-switch]")) switchTheme();
    const button = event.target.closest("[data-copy]");
    if (button) copy(button);
    // A notice in a table row of its own is removed with the row.
    event.target.closest("[data-dismiss]")?.closest(".panel-row, .notice")?.remove();
    // A tap outside closes the menu.
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      menu.open = false;
      menu.querySelector("summary").focus();
      event.preventDefault(); // what is open besides the menu stays open
    }
  });

  // --- A credit's page leads back to the list as it was left, with its filter, order and page.
  const LIST = "list";
  document.addEventListener("DOMContentLoaded", () => {
    const link = document.querySelector("[data-list-link]");
    try {
      if (link) link.href = sessionStorage.getItem(LIST) ?? link.getAttribute("href");
      addEventListener("pagehide", () => {
        if (location.pathname === "/credits") sessionStorage.setItem(LIST, `/credits${location.search}`);
      });
    } catch {
      // storage is disabled: the link leads to the whole list
    }
  });

  // --- Drop zones: a dropped file is set on the file input.
  const zoneOf = (event) =>
    event.target instanceof Element ? event.target.closest("[data-drop-zone]") : null;
  const showFile = (zone) => {
    const [file] = zone.querySelector("input[type=file]").files;
    zone.querySelector("[data-file-name]").textContent = file ? file.name : "";
    zone.classList.toggle("has-file", Boolean(file));
  };
  for (const type of ["dragover", "dragleave", "drop"]) {
    document.addEventListener(type, (event) => {
      const zone = zoneOf(event);
      if (!zone) return;
      event.preventDefault();
      zone.classList.toggle("is-over", type === "dragover");
      if (type !== "drop" || !event.dataTransfer.files.length) return;
      zone.querySelector("input[type=file]").files = event.dataTransfer.files;
      showFile(zone);
    });
  }
  document.addEventListener("change", (event) => {
    const zone = zoneOf(event);
    if (zone) showFile(zone);
  });

  // --- "Today" in a form is the day of the reader's own clock; the server fills in its day in UTC.
  const showOwnDay = () => {
    const now = new Date();
    const today = new Date(now.getTime() - now.getTimezoneOffset() * 60_000).toISOString().slice(0, 10);
    for (const input of document.querySelectorAll("input[data-today]")) {
      const possible = today >= input.min && today <= input.max;
      if (possible && input.value === input.dataset.today) input.value = today;
      delete input.dataset.today; // what is chosen from now on stays
    }
  };
  document.addEventListener("DOMContentLoaded", showOwnDay);
  document.addEventListener("htmx:after:settle", showOwnDay);

  // --- A plain form is sent once: a second click does nothing until the page is shown again.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post" || form.hasAttribute("hx-post")) return;
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "1";
    form.setAttribute("aria-busy", "true");
  });
  addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) {
      delete form.dataset.sent;
      form.removeAttribute("aria-busy");
    }
  });

  // --- htmx. A 409 or 422 that carries a fragment replaces its target. Any other error becomes a notice
  // and leaves the page, with what was typed, unchanged.
  const FRAGMENT_STATUSES = [409, 422];
  const unreachable = () => document.getElementById("notice-unreachable").innerHTML;
  const failed = () => document.getElementById("notice-failed").innerHTML;
  document.addEventListener("htmx:response:error", ({ detail: { ctx } }) => {
    const notice = /^\s*<div class="notice /.test(ctx.text); // errors/_fragment.html
    const wholePage = /^\s*<(!doctype|html)/i.test(ctx.text); // of a proxy, for instance
    if (FRAGMENT_STATUSES.includes(ctx.response.status) && !notice && !wholePage) return;
    Object.assign(ctx, {
      target: "#notices",
      swap: "innerHTML",
      select: null,
      push: null,
      replace: null,
      text: notice ? ctx.text : failed(),
    });
  });
  document.addEventListener("htmx:error", ({ detail: { ctx } }) => {
    if (!ctx || ctx.response) return; // only where no response came: no network, or a timeout
    document.getElementById("notices").innerHTML = unreachable();
  });
  document.addEventListener("htmx:before:request", () => {
    for (const notice of document.querySelectorAll("#notices .notice-danger")) notice.remove();
  });
  // Empty filters are left out of the address.
  document.addEventListener("htmx:config:request", ({ detail: { ctx } }) => {
    if (ctx.request.method !== "GET" || !ctx.request.body) return;
    const body = ctx.request.body;
    for (const name of new Set(body.keys())) {
      const given = body.getAll(name).filter((value) => value !== "");
      body.delete(name);
      for (const value of given) body.append(name, value);
    }
  });
  // The clicked element is often replaced. Focus then moves to [data-focus] in the new content, or else to
  // its first link, so that keyboard and screen reader users stay in place.
  document.addEventListener("htmx:after:settle", ({ detail: { newContent } }) => {
    if (document.activeElement && document.activeElement !== document.body) return;
    for (const part of newContent) {
      // Neither a toast nor what updates itself takes the focus.
      if (!(part instanceof Element) || part.closest("#toasts")) continue;
      if (part.querySelector("[autofocus], [data-polled]")) continue;
      const wanted = part.matches("[data-focus]") ? part : part.querySelector("[data-focus]");
      const found = wanted ?? part.querySelector("a[href], button");
      if (found) return found.focus({ preventScroll: true });
    }
  });
})();
