/* A certificate that was just issued downloads by itself, once; the button stays for the next time. */

(() => {
  "use strict";

  const start = () => {
    const link = document.querySelector("a[data-download]");
    if (!link) return;
    const key = `downloaded:${link.dataset.download}`;
    delete link.dataset.download;
    if (sessionStorage.getItem(key)) return;
    sessionStorage.setItem(key, "yes");
    link.click();
  };

  document.addEventListener("DOMContentLoaded", start);
  document.addEventListener("htmx:afterSwap", start);
})();
