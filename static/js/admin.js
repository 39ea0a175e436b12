/* Names for admin's search fields: select2 labels each with its own value, so screen readers don't say what it is for. */

(() => {
  "use strict";

  window.addEventListener("load", () => {
    for (const select of document.querySelectorAll("select.admin-autocomplete")) {
      const label = document.querySelector(`label[for="${select.id}"]`);
      const selection = select.parentElement.querySelector(".select2-selection");
      if (!label || !selection) continue;
      label.id ||= `${select.id}_label`;
      const value = selection.querySelector("[id]");
      selection.setAttribute("aria-labelledby", value ? `${label.id} ${value.id}` : label.id);
      value?.setAttribute("aria-labelledby", label.id);
    }
  });
})();
