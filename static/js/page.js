/* What every page shares. Nothing here is needed to use the page; it only makes it quicker. */

(() => {
  "use strict";

  /* The error summary, and whatever else asks for it, has the focus when the page opens. */
  const focusFirst = (root) => {
    const wanted = root.querySelector("[data-focus]");
    if (wanted) wanted.focus();
  };

  /* A menu closes when one clicks or tabs elsewhere, or presses Escape. */
  const openDrops = () => document.querySelectorAll("details[data-drop][open]");

  document.addEventListener("click", (event) => {
    openDrops().forEach((drop) => {
      if (!drop.contains(event.target)) drop.open = false;
    });
  });

  document.addEventListener("focusin", (event) => {
    openDrops().forEach((drop) => {
      if (!drop.contains(event.target)) drop.open = false;
    });
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    openDrops().forEach((drop) => {
      drop.open = false;
      drop.querySelector("summary").focus();
    });
  });

  /* A second click on a button that is being worked on sends nothing; the server refuses it as well. */
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post" || event.defaultPrevented) return;
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "yes";
    setTimeout(() => delete form.dataset.sent, 4000);
  });

  /* A page brought back by the Back button may be sent again at once. */
  window.addEventListener("pageshow", () => {
    document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent);
  });

  /* "/" goes to the search field, as in many desks. */
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, textarea, select, [contenteditable]")) return;
    const search = document.querySelector('main input[type="search"]');
    if (!search) return;
    event.preventDefault();
    search.focus();
    search.select();
  });

  document.addEventListener("DOMContentLoaded", () => focusFirst(document));
  document.addEventListener("htmx:afterSwap", (event) => focusFirst(event.target));
})();
