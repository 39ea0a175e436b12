/* A button that copies the text of an element: shown only where the browser can copy. */

(() => {
  "use strict";

  if (!navigator.clipboard) return;
  for (const button of document.querySelectorAll("button[data-copy]")) {
    const label = button.textContent;
    button.hidden = false;
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent.trim());
        button.textContent = "Copied";
      } catch {
        button.textContent = "Select the code to copy it";
      }
      setTimeout(() => (button.textContent = label), 2000);
    });
  }
})();
