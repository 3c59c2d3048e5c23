// Choosing rows of a list: all of the page, a range with Shift, and the number of chosen rows. Links to other
// pages of the list take the chosen rows along.
"use strict";
(() => {
  let last = null;
  const boxes = () => [...document.querySelectorAll('.pick input[name="credit"]')];
  const show = () => {
    const all = boxes();
    const picked = all.filter((box) => box.checked).length;
    const elsewhere = document.querySelectorAll('#chosen input[type="hidden"][name="credit"]');
    for (const text of document.querySelectorAll("[data-picked]")) {
      const more = elsewhere.length ? `, ${elsewhere.length} on other pages` : "";
      const some = picked > 0 || elsewhere.length > 0;
      text.textContent = some ? `${picked} of ${all.length} rows chosen${more}` : "Choose rows to act on several at once:";
    }
    for (const box of document.querySelectorAll("[data-pick-all]")) {
      box.checked = picked > 0 && picked === all.length;
      box.indeterminate = picked > 0 && picked < all.length;
    }
    const matching = document.querySelector('#chosen input[name="take"]');
    for (const button of document.querySelectorAll("#chosen button")) {
      button.disabled = picked === 0 && elsewhere.length === 0 && !matching?.checked;
    }
    const chosen = [...elsewhere, ...all.filter((box) => box.checked)].map((box) => box.value);
    for (const link of document.querySelectorAll('#credits .pager a[href]')) {
      const address = new URL(link.href);
      address.searchParams.delete("credit");
      for (const position of chosen) address.searchParams.append("credit", position);
      link.href = address.href;
    }
  };
  document.addEventListener("click", (event) => {
    const box = event.target;
    if (!(box instanceof HTMLInputElement)) return;
    if (box.matches("[data-pick-all]")) {
      for (const each of boxes()) each.checked = box.checked;
    } else if (box.name === "credit") {
      const all = boxes();
      const [from, to] = [all.indexOf(last), all.indexOf(box)].sort((one, other) => one - other);
      if (event.shiftKey && from >= 0) {
        for (const each of all.slice(from, to + 1)) each.checked = box.checked;
      }
      last = box;
    }
  });
  document.addEventListener("change", show);
  document.addEventListener("click", show);
  document.addEventListener("htmx:after:swap", show);
  addEventListener("pageshow", show);
  document.addEventListener("DOMContentLoaded", show);
})();
