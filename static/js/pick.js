// Choosing rows of the list of credits: all of the page, a range with Shift, and how many are chosen. The chosen
// rows of each list (its filter, on every page and in every order) are kept for the tab, until an act is recorded.
"use strict";
(() => {
  const PREFIX = "chosen:";
  const SENT = "chosen-sent"; // a form on chosen rows was sent: the next page tells how that ended
  const NAMED_MAX = 500; // an address of 8,190 bytes names about so many credits
  const storage = (() => {
    try {
      sessionStorage.setItem(SENT, sessionStorage.getItem(SENT) ?? "");
      return sessionStorage;
    } catch {
      return null; // storage is disabled: links to other pages take the chosen rows along
    }
  })();
  let last = null;

  const form = () => document.getElementById("chosen");
  const boxes = () => [...document.querySelectorAll('.pick input[name="credit"]')];
  const hidden = () => [...document.querySelectorAll('#chosen input[type="hidden"][name="credit"]')];
  const onPage = () => boxes().filter((box) => box.checked).map((box) => box.value);
  const key = () => PREFIX + form().dataset.list;

  // What the page shows as chosen, and what was chosen on other pages of this list.
  const chosen = () => [...hidden().map((input) => input.value), ...onPage()];
  const keep = () => storage?.setItem(key(), chosen().join(" "));
  const restore = () => {
    const kept = storage?.getItem(key());
    if (kept === null || kept === undefined) return; // as the address says
    const left = new Set(kept.split(" ").filter(Boolean));
    for (const box of boxes()) box.checked = left.delete(box.value);
    for (const input of hidden()) input.remove();
    for (const value of left) {
      form().append(Object.assign(document.createElement("input"), { type: "hidden", name: "credit", value }));
    }
  };
  const forget = () => {
    for (const name of Object.keys(storage ?? {})) if (name.startsWith(PREFIX)) storage.removeItem(name);
  };

  const show = () => {
    if (!form()) return;
    const all = boxes();
    const picked = onPage().length;
    const elsewhere = hidden().length;
    const total = picked + elsewhere;
    for (const text of document.querySelectorAll("[data-picked]")) {
      const more = elsewhere ? `, ${elsewhere.toLocaleString("en")} on other pages` : "";
      const many = total > NAMED_MAX ? `. At most ${NAMED_MAX} at once, or all that match` : "";
      text.textContent = total ? `${total.toLocaleString("en")} chosen${more}${many}` : "Choose rows to act on several at once:";
    }
    for (const box of document.querySelectorAll("[data-pick-all]")) {
      box.checked = picked > 0 && picked === all.length;
      box.indeterminate = picked > 0 && picked < all.length;
    }
    const matching = form().querySelector('input[name="take"]');
    for (const button of form().querySelectorAll('button[name="action"]')) {
      button.disabled = !matching?.checked && (total === 0 || total > NAMED_MAX);
    }
    for (const none of form().querySelectorAll("[data-pick-none]")) none.hidden = total === 0;
    if (storage) return;
    for (const link of document.querySelectorAll("#credits .pager a[href]")) {
      const address = new URL(link.href);
      address.searchParams.delete("credit");
      for (const position of chosen()) address.searchParams.append("credit", position);
      link.href = address.href;
    }
  };

  document.addEventListener("click", (event) => {
    const box = event.target;
    if (!(box instanceof Element) || !form()) return;
    if (box.closest("[data-pick-none]")) {
      event.preventDefault();
      for (const each of boxes()) each.checked = false;
      for (const each of hidden()) each.remove();
    } else if (box.matches("[data-pick-all]")) {
      for (const each of boxes()) each.checked = box.checked;
    } else if (box.matches('.pick input[name="credit"]')) {
      const all = boxes();
      const [from, to] = [all.indexOf(last), all.indexOf(box)].sort((one, other) => one - other);
      if (event.shiftKey && from >= 0) {
        for (const each of all.slice(from, to + 1)) each.checked = box.checked;
      }
      last = box;
    } else {
      return;
    }
    keep();
    show();
  });
  document.addEventListener("submit", (event) => {
    // All that match: the chosen rows do not matter, and would make the address long.
    if (event.target === form() && form().querySelector('input[name="take"]')?.checked) {
      for (const input of [...hidden(), ...boxes()]) input.disabled = true;
    }
    if (event.target.matches("#act-form")) storage?.setItem(SENT, "1");
  });
  document.addEventListener("change", show);
  const showKept = () => {
    if (!form()) return;
    for (const input of [...hidden(), ...boxes()]) input.disabled = false;
    restore();
    show();
  };
  document.addEventListener("htmx:after:swap", showKept);
  addEventListener("pageshow", () => {
    if (storage?.getItem(SENT)) {
      if (location.pathname.startsWith("/acts/")) forget();
      storage.setItem(SENT, "");
    }
    showKept();
  });
})();
