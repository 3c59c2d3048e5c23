// Progressive enhancement of forms that ask before an action: panels in rows, dialogs, and toasts.
"use strict";
(() => {
  const PANEL = ".panel-row .confirm";
  const dialog = document.getElementById("dialog");

  // --- The quantity and the party that are typed are repeated in the form's text and on its button.
  const plainQuantity = (typed) => {
    const text = typed.trim().replace(/\s*t(onnes?)?$/i, "").replace(/(\d)[\s\u2019'](?=\d{3})/g, "$1");
    return /^\d{1,3}(,\d{3})+(\.\d*)?$/.test(text) ? text.replaceAll(",", "") : text;
  };
  const shownQuantity = (input) => {
    const plain = plainQuantity(input.value);
    const fits = /^\d+(\.\d{1,4})?$/.test(plain) && Number(plain) > 0 && Number(plain) <= Number(input.dataset.part);
    if (!fits) return "a part"; // an invalid quantity is not repeated
    const [whole, decimals] = plain.split(".");
    const grouped = whole.replace(/^0+(?=\d)/, "").replace(/\B(?=(\d{3})+$)/g, ",");
    return `${grouped}${decimals ? `.${decimals}` : ""} t`;
  };
  const showParty = (input) => {
    const shown = input.form.querySelector("[data-party-shown]");
    const party = input.value.trim();
    shown.textContent = party ? ` ${shown.dataset.partyShown} ` : "";
    if (party) shown.append(Object.assign(document.createElement("bdi"), { textContent: party }));
  };

  // --- A field is red until somebody changes it; what belongs to it (a box to tick instead) as well.
  const clearErrors = (input) => {
    const field = input.closest(".field-pair") ?? input.closest(".field");
    if (!field) return;
    for (const wrong of [field, ...field.querySelectorAll(".has-error")]) {
      wrong.classList.remove("has-error");
      wrong.querySelector(":scope > .field-error")?.remove();
    }
    for (const wrong of field.querySelectorAll("[aria-invalid]")) {
      wrong.removeAttribute("aria-invalid");
      const described = (wrong.getAttribute("aria-describedby") ?? "").replace(/\S+-error/, "").trim();
      if (described) wrong.setAttribute("aria-describedby", described);
      else wrong.removeAttribute("aria-describedby");
    }
  };
  document.addEventListener("input", ({ target }) => {
    if (!(target instanceof Element)) return;
    clearErrors(target);
    if (target.matches("input[data-party]")) showParty(target);
    if (!target.matches("input[data-part]")) return;
    for (const shown of target.form.querySelectorAll("[data-part-shown]")) shown.textContent = shownQuantity(target);
  });

  // --- The quantity is selected when it gets the focus, so that typing replaces it.
  let selected = null;
  const select = (input) => {
    input.select();
    selected = input;
  };
  document.addEventListener("focusin", ({ target }) => {
    if (target.matches("input[data-part]")) select(target);
  });
  document.addEventListener("mouseup", (event) => {
    if (selected && event.target === selected) event.preventDefault(); // the click that gave it the focus
    selected = null;
  });
  document.addEventListener("keydown", () => {
    selected = null;
  });
  document.addEventListener("DOMContentLoaded", () => {
    if (document.activeElement?.matches("input[data-part]")) select(document.activeElement);
  });

  // --- Panels: at most one is open. Closing one leaves the row, and the focus on the link that opened it.
  const close = (panel) => {
    const action = panel.getAttribute("action");
    const row = panel.closest("tbody");
    panel.closest(".panel-row").remove();
    [...row.querySelectorAll("a")].find((link) => link.getAttribute("href") === action)?.focus();
  };
  document.addEventListener("click", (event) => {
    if (!(event.target instanceof Element)) return;
    const all = event.target.closest("[data-all]");
    if (all) {
      const input = all.parentElement.querySelector("input[data-part]");
      input.value = input.dataset.part;
      input.dispatchEvent(new Event("input", { bubbles: true }));
      input.focus();
    }
    const closing = event.target.closest("[data-close]");
    const panel = closing?.closest(PANEL);
    if (panel) {
      event.preventDefault();
      close(panel);
    } else if (closing?.closest("dialog")) {
      event.preventDefault();
      closing.closest("dialog").close();
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.defaultPrevented || document.querySelector("dialog[open], details.menu[open]")) return;
    const panel = event.target.closest(PANEL) ?? document.querySelector(PANEL);
    if (panel) close(panel);
  });
  document.addEventListener("htmx:after:settle", () => {
    const panels = [...document.querySelectorAll(PANEL)];
    const current = panels.find((panel) => panel.contains(document.activeElement)) ?? panels.at(-1);
    for (const panel of panels) if (panel !== current) panel.closest(".panel-row").remove();
    if (dialog.firstElementChild && !dialog.open) dialog.showModal();
  });
  dialog.addEventListener("close", () => dialog.replaceChildren());

  // --- Toasts. A live region says only what is added to it, so those of the page are added once it is there.
  const SHOWN_MS = 15_000;
  const toasts = document.getElementById("toasts");
  const leave = (toast) => {
    if (toast.matches(":hover, :focus-within")) setTimeout(leave, SHOWN_MS, toast);
    else toast.remove();
  };
  new MutationObserver((changes) => {
    for (const toast of changes.flatMap((change) => [...change.addedNodes])) {
      if (toast instanceof Element) setTimeout(leave, SHOWN_MS, toast);
    }
  }).observe(toasts, { childList: true });
  for (const toast of [...toasts.children]) {
    toast.remove();
    setTimeout(() => toasts.append(toast), 100);
  }
  document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => {
    if (ctx.request.method !== "GET") toasts.replaceChildren(); // they are about what was done before
  });
})();
