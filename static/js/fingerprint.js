/* The fingerprint of a PDF is taken in the browser, so that the file stays there. Where it can't be, the form sends the
   file. */

(() => {
  "use strict";

  if (!window.crypto?.subtle) return;
  for (const form of document.querySelectorAll("form[data-fingerprint]")) {
    const file = form.elements.namedItem("file");
    const fingerprint = form.elements.namedItem("sha256");
    form.addEventListener("submit", async (event) => {
      if (!file.files.length || fingerprint.value) return;
      event.preventDefault();
      try {
        const digest = await crypto.subtle.digest("SHA-256", await file.files[0].arrayBuffer());
        fingerprint.value = [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
        file.disabled = true;
      } catch {
        fingerprint.value = "";
      }
      form.submit();
    });
    // Back from the answer: the browser shows the form as it was sent.
    window.addEventListener("pageshow", () => {
      fingerprint.value = "";
      file.disabled = false;
    });
  }
})();
