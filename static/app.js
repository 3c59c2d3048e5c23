// The little that pages do in the browser. Everything here only makes a working page pleasanter:
// each form and link also works with this file blocked. Loaded in <head> without defer, so that the
// chosen theme is set before the first paint; the rest listens on the document.
"use strict";
(() => {
  const root = document.documentElement;
  root.classList.add("js");

  // --- Theme. No attribute on <html> means: follow the system (static/css/base.css does it).
  const THEME = "theme";
  const systemDark = matchMedia("(prefers-color-scheme: dark)");
  const stored = () => {
    try {
      return localStorage.getItem(THEME);
    } catch {
      return null; // storage switched off: the system's preference stays in force
    }
  };
  const showTheme = () => {
    const choice = stored();
    if (choice === "light" || choice === "dark") root.dataset.bsTheme = choice;
    else delete root.dataset.bsTheme;
    const dark = choice ? choice === "dark" : systemDark.matches;
    root.classList.toggle("dark-mode", dark); // how Swagger UI's style sheet calls it
    for (const button of document.querySelectorAll("[data-theme-switch]")) {
      button.setAttribute("aria-pressed", String(dark));
    }
  };
  const switchTheme = () => {
    const dark = root.dataset.bsTheme ? root.dataset.bsTheme === "dark" : systemDark.matches;
    try {
      // Choosing what the system says anyway means following it again.
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

  // --- Copying an id. The text stands in the page as well, so nothing depends on this.
  const copyText = async (text) => {
    if (navigator.clipboard) return navigator.clipboard.writeText(text);
    const area = document.createElement("textarea"); // plain HTTP on another host has no clipboard API
    area.value = text;
    area.className = "visually-hidden";
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    if (!done) throw new Error("the browser refused to copy");
  };
  const copy = async (button) => {
    const said = button.querySelector("[data-copy-said]");
    try {
      await copyText(button.dataset.copy);
      button.classList.add("is-copied");
      said.textContent = "Copied";
    } catch {
      said.textContent = "Not copied: select the text instead";
    }
    setTimeout(() => {
      button.classList.remove("is-copied");
      said.textContent = "";
    }, 2500);
  };

  document.addEventListener("click", (event) => {
    if (!(event.target instanceof Element)) return;
    if (event.target.closest("[data-theme-switch]")) switchTheme();
    const button = event.target.closest("[data-copy]");
    if (button) copy(button);
    // A notice that has a table row to itself takes the row with it.
    event.target.closest("[data-dismiss]")?.closest(".panel-row, .notice")?.remove();
    // The phone menu closes when a tap lands elsewhere.
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });

  // --- Dropping a file on the real file input of a drop zone.
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

  // --- A quantity that is typed stands at once in what is about to happen, and on its button.
  document.addEventListener("input", ({ target }) => {
    if (!(target instanceof HTMLInputElement) || !target.dataset.part) return;
    const typed = target.value.trim();
    const [whole, decimals] = typed.split(".");
    const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",");
    const all = Number(target.dataset.part.replace(/[^0-9.]/g, ""));
    const fits = /^\d+(\.\d{1,4})?$/.test(typed) && Number(typed) > 0 && Number(typed) <= all;
    // What would be refused is not claimed: how much it is remains open.
    const part = fits ? `${grouped}${decimals ? `.${decimals}` : ""} t` : "a part";
    const words = typed ? part : target.dataset.part;
    for (const shown of target.form.querySelectorAll("[data-part-shown]")) shown.textContent = words;
  });

  // --- A plain form is sent once: the second click does nothing until the page is shown again.
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

  // --- htmx. An error that the page did not prepare for goes to the notices and leaves the page, and
  // what was typed, alone. Prepared for is a 409 or 422 that carries the part it stands in for.
  const PREPARED = [409, 422];
  const unreachable = () => document.getElementById("notice-unreachable").innerHTML;
  const failed = () => document.getElementById("notice-failed").innerHTML;
  document.addEventListener("htmx:response:error", ({ detail: { ctx } }) => {
    const notice = /^\s*<div class="notice /.test(ctx.text); // errors/_fragment.html
    const wholePage = /^\s*<(!doctype|html)/i.test(ctx.text); // somebody else's, such as a proxy's
    if (PREPARED.includes(ctx.response.status) && !notice && !wholePage) return;
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
    if (!ctx || ctx.response) return; // only where no answer came: no network, or none in time
    document.getElementById("notices").innerHTML = unreachable();
  });
  document.addEventListener("htmx:before:request", () => {
    for (const notice of document.querySelectorAll("#notices .notice-danger")) notice.remove();
  });
  // Empty filters stay out of the address.
  document.addEventListener("htmx:config:request", ({ detail: { ctx } }) => {
    if (ctx.request.method !== "GET" || !ctx.request.body) return;
    for (const [name, value] of [...ctx.request.body]) {
      if (value === "") ctx.request.body.delete(name);
    }
  });
  // The clicked thing is often swapped away. Focus then goes to the new part's [data-focus], or else
  // its first link, so that a keyboard stays where it was and a screen reader hears the outcome.
  document.addEventListener("htmx:after:settle", ({ detail: { newContent } }) => {
    if (document.activeElement && document.activeElement !== document.body) return;
    for (const part of newContent) {
      if (!(part instanceof Element) || part.querySelector("[autofocus]")) continue;
      const wanted = part.matches("[data-focus]") ? part : part.querySelector("[data-focus]");
      const found = wanted ?? part.querySelector("a[href], button");
      if (found) return found.focus({ preventScroll: true });
    }
  });
})();
