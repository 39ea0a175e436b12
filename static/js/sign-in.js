/* Pages with passwords: say when Caps Lock is on, and show a password on demand. They also note that a page was interrupted. */

(() => {
  "use strict";

  /* The notice is in the page beside the field, or is made here. */
  const noticeFor = (password) => {
    const present = password.closest("form").querySelectorAll("input[type='password']").length === 1
      && document.querySelector("[data-caps-notice]");
    if (present) return present;
    const made = document.createElement("p");
    made.className = "small strong";
    made.setAttribute("role", "status");
    password.after(made);
    return made;
  };

  const watchCaps = (password, notice) => {
    const caps = (event) => {
      const on = typeof event.getModifierState === "function" && event.getModifierState("CapsLock");
      notice.textContent = on ? "Caps Lock is on." : "";
    };
    ["keydown", "keyup", "mousedown"].forEach((kind) => password.addEventListener(kind, caps));
    password.addEventListener("blur", () => { notice.textContent = ""; });
  };

  const offerToShow = (password) => {
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
  };

  const passwords = document.querySelectorAll("input[type='password']");
  for (const password of passwords) watchCaps(password, noticeFor(password));
  if (passwords.length) offerToShow(passwords[0]);

  /* Read by keep.js on the page that one comes back to. */
  if (document.querySelector("[data-interrupted]")) sessionStorage.setItem("portal.interrupted", "yes");
})();
