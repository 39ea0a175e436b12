/* Counts down [data-countdown="seconds"]. The clock is for the eye; what is read aloud changes once a minute, and at the end. */

(() => {
  "use strict";

  const spoken = (seconds) => {
    if (seconds >= 60) {
      const minutes = Math.ceil(seconds / 60);
      return minutes === 1 ? "1 minute left" : `${minutes} minutes left`;
    }
    return "Less than a minute left";
  };

  const shown = (seconds) => `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;

  const start = (box) => {
    const end = performance.now() + Number(box.dataset.countdown) * 1000;
    const running = box.querySelector("[data-countdown-running]");
    const clock = box.querySelector("[data-countdown-clock]");
    const over = box.querySelector("[data-countdown-over]");
    const live = box.querySelector("[data-countdown-live]");
    let said = "";

    const tick = () => {
      const left = Math.max(0, Math.ceil((end - performance.now()) / 1000));
      if (left === 0) {
        running.hidden = true;
        over.hidden = false;
        live.textContent = over.textContent;
        return;
      }
      clock.textContent = ` (in ${shown(left)})`;
      const saying = spoken(left);
      if (saying !== said) {
        /* The page already has the first words. */
        if (said) live.textContent = saying;
        said = saying;
      }
      setTimeout(tick, 1000 - (Date.now() % 1000));
    };
    tick();
  };

  document.querySelectorAll("[data-countdown]").forEach(start);
})();
