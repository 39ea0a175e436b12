/* Opens the answer that the address leads to, as in /faq/#lost-phone. Without it, the question is shown and opens by hand. */

(() => {
  "use strict";

  const open = () => {
    const answer = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (answer && answer.matches("details")) answer.open = true;
  };

  window.addEventListener("hashchange", open);
  open();
})();
