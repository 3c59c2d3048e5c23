// Keys that help people who work through lists. Nothing is reachable by keys alone.
"use strict";
(() => {
  const OFF = "single-keys-off";
  const keys = document.getElementById("keys");
  const isOff = () => {
    try {
      return localStorage.getItem(OFF) === "1";
    } catch {
      return false; // storage is disabled
    }
  };

  // --- The help.
  const box = document.getElementById("keys-on");
  const help = () => {
    box.checked = !isOff();
    keys.showModal();
  };
  box.addEventListener("change", () => {
    try {
      if (box.checked) localStorage.removeItem(OFF);
      else localStorage.setItem(OFF, "1");
    } catch {
      box.checked = true; // it cannot be kept
    }
  });
  document.addEventListener("click", ({ target }) => {
    if (target instanceof Element && target.closest("[data-keys]")) help();
  });

  // --- Rows. The focus moves between their links, or between their boxes where it is on one.
  const BOX = "input[type=checkbox][name=credit]";
  const rows = () => [...document.querySelectorAll("main .ledger-table > tbody > tr:not(.panel-row)")].filter((row) => row.querySelector(".lead a"));
  const move = (by) => {
    const all = rows();
    const here = all.findIndex((row) => row.contains(document.activeElement));
    const row = here < 0 ? all[by > 0 ? 0 : all.length - 1] : all[here + by];
    if (!row) return false;
    const wanted = document.activeElement.matches(BOX) ? row.querySelector(BOX) : null;
    (wanted ?? row.querySelector(".lead a")).focus();
    row.scrollIntoView({ block: "nearest" });
    return true;
  };
  const choose = (link) => {
    const chosen = link.closest("tr").querySelector(BOX);
    chosen?.click();
    return Boolean(chosen);
  };
  const search = () => {
    const input = document.querySelector("main input[type=search]");
    if (!input) return false;
    input.focus();
    input.select();
    return true;
  };

  const isTyping = (element) => element.matches("input:not([type=checkbox], [type=radio], [type=button]), textarea, select, [contenteditable]");
  const act = (key, element) => {
    const link = element.closest(".ledger-table .lead a");
    const inRow = link || element.matches(BOX);
    if (key === "ArrowDown" || key === "ArrowUp") return Boolean(inRow) && move(key === "ArrowDown" ? 1 : -1);
    if (key === " ") return Boolean(link) && choose(link);
    if (isOff()) return false;
    if (key === "/") return search();
    if (key === "j" || key === "k") return move(key === "j" ? 1 : -1);
    if (key === "?") help();
    return key === "?";
  };
  document.addEventListener("keydown", (event) => {
    const { target, key } = event;
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (!(target instanceof Element) || document.querySelector("dialog[open]")) return;
    const fromSearch = key === "ArrowDown" && target.matches("main input[type=search]");
    if (isTyping(target) ? fromSearch && move(1) : act(key, target)) event.preventDefault();
  });
})();
