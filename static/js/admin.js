/* Names in admin: of the columns in each cell of a list, for the cards of a phone, and of the search fields, which select2
   labels with their own values. */

(() => {
  "use strict";

  const list = document.getElementById("result_list");
  if (list) {
    const heads = [...list.tHead.rows[0].cells].map((head) => head.querySelector(".text")?.textContent.trim());
    for (const row of list.tBodies[0].rows) {
      [...row.cells].forEach((cell, place) => {
        if (heads[place] && !cell.matches(".action-checkbox")) cell.dataset.label = heads[place];
      });
    }
    list.classList.add("admin-cards");
  }

  // After select2 has made its fields: jQuery calls what waits for the page in order.
  window.django?.jQuery?.(() => {
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
