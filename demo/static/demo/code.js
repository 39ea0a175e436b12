// The Fill in button beside a code of the demo. Without JavaScript the button stays hidden, and the code is there to type.
(() => {
  const reveal = () => {
    for (const button of document.querySelectorAll("[data-fill-code]")) button.hidden = false;
  };
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-fill-code]");
    const field = document.querySelector("input[name=code]");
    if (!button || !field) return;
    field.value = button.dataset.fillCode;
    field.focus();
  });
  document.addEventListener("htmx:load", reveal);
  reveal();
})();
