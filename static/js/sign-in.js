/* The sign-in page: says when Caps Lock is on, shows the password on demand, and notes that a page was interrupted. */

(() => {
  "use strict";

  const password = document.querySelector('input[type="password"]');
  const notice = document.querySelector("[data-caps-notice]");

  const caps = (event) => {
    const on = typeof event.getModifierState === "function" && event.getModifierState("CapsLock");
    notice.textContent = on ? "Caps Lock is on." : "";
  };

  if (password && notice) {
    ["keydown", "keyup", "mousedown"].forEach((kind) => password.addEventListener(kind, caps));
    password.addEventListener("blur", () => { notice.textContent = ""; });
  }

  if (password) {
    const show = document.createElement("button");
    show.type = "button";
    show.className = "link small";
    show.textContent = "Show password";
    show.setAttribute("aria-pressed", "false");
    show.addEventListener("click", () => {
      const visible = password.type === "password";
      password.type = visible ? "text" : "password";
      show.setAttribute("aria-pressed", String(visible));
      show.textContent = visible ? "Hide password" : "Show password";
    });
    password.after(show);
    /* A password left visible is not what the browser should offer to keep as text. */
    password.form.addEventListener("submit", () => { password.type = "password"; });
  }

  /* Read by keep.js on the page that one comes back to. */
  if (document.querySelector("[data-interrupted]")) sessionStorage.setItem("portal.interrupted", "yes");
})();
