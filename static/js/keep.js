/* What was typed is not lost when a session ends or a code is asked for in between.
   A form that is sent, or open when the session ends, is kept in this tab's sessionStorage, and put back when the same
   user comes back to the same page. Passwords, codes, files, hidden fields and what is marked data-sensitive are never
   kept; the copy is dropped by the next page that opens normally, by another user's, and by signing out. */

(() => {
  "use strict";

  const KEPT = "portal.kept";
  const INTERRUPTED = "portal.interrupted";
  const me = document.getElementById("session-clock").dataset.user;
  const here = location.pathname + location.search;

  const NEVER_TYPES = ["password", "hidden", "file", "submit", "button", "image", "reset"];
  const NEVER_AUTOCOMPLETE = /one-time-code|password|^cc-|^bday/;

  const mayKeep = (field) =>
    field.name &&
    !NEVER_TYPES.includes(field.type) &&
    !NEVER_AUTOCOMPLETE.test(field.autocomplete || "") &&
    !field.closest("[data-sensitive]");

  const forms = () => [...document.querySelectorAll('form[method="post"]:not([data-no-keep])')];

  const isTyped = (field) => {
    if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
    if (field.tagName === "SELECT") return [...field.options].some((o) => o.selected !== o.defaultSelected);
    return field.value !== field.defaultValue;
  };

  const read = (field) => {
    if (field.type === "checkbox" || field.type === "radio") return field.checked;
    if (field.tagName === "SELECT") return [...field.options].filter((o) => o.selected).map((o) => o.value);
    return field.value;
  };

  const write = (field, value) => {
    if (field.type === "checkbox" || field.type === "radio") field.checked = value;
    else if (field.tagName === "SELECT") [...field.options].forEach((o) => { o.selected = value.includes(o.value); });
    else field.value = value;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.dispatchEvent(new Event("change", { bubbles: true }));
  };

  const keep = (which) => {
    const all = forms();
    const kept = [];
    which.forEach((form) => {
      [...form.elements].forEach((field, position) => {
        if (mayKeep(field) && isTyped(field)) {
          kept.push({ form: all.indexOf(form), position, name: field.name, value: read(field) });
        }
      });
    });
    if (kept.length) sessionStorage.setItem(KEPT, JSON.stringify({ user: me, page: here, fields: kept }));
  };

  const forget = () => {
    sessionStorage.removeItem(KEPT);
    sessionStorage.removeItem(INTERRUPTED);
  };

  const restore = () => {
    const stored = JSON.parse(sessionStorage.getItem(KEPT) || "null");
    if (!stored) return sessionStorage.removeItem(INTERRUPTED);
    if (stored.user !== me || !sessionStorage.getItem(INTERRUPTED)) return forget();
    if (stored.page !== here) return undefined;
    const all = forms();
    let put = 0;
    stored.fields.forEach(({ form, position, name, value }) => {
      const field = all[form] && all[form].elements[position];
      if (field && field.name === name && mayKeep(field)) {
        write(field, value);
        put += 1;
      }
    });
    forget();
    if (put) {
      const note = document.createElement("div");
      note.className = "notice";
      note.setAttribute("role", "status");
      const text = document.createElement("p");
      text.textContent = "What you typed on this page is back. It hasn’t been sent yet.";
      note.append(text);
      document.querySelector("main .page, #content-start, main").prepend(note);
    }
    return undefined;
  };

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.action.includes("/sign-out/")) forget();
    else if (forms().includes(form)) keep([form]);
  });

  /* Sent by session.js just before it leads to sign-in. */
  document.addEventListener("portal:session-over", () => {
    keep(forms());
    sessionStorage.setItem(INTERRUPTED, "yes");
  });

  restore();
})();
