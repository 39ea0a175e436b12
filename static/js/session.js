/* Warns before the session ends for want of use, and lets one stay. The server decides; this only shows it.
   Other tabs count: before it warns, it asks the server how much time is really left. */

(() => {
  "use strict";

  const dialog = document.getElementById("session-clock");
  const clock = dialog.querySelector("[data-clock]");
  const live = dialog.querySelector("[data-live]");
  const stay = dialog.querySelector("form[data-stay]");
  const warning = Number(dialog.dataset.warning) * 1000;
  let end = performance.now() + Number(dialog.dataset.seconds) * 1000;
  let asking = false;

  const left = () => Math.max(0, end - performance.now());

  const over = () => {
    document.dispatchEvent(new Event("portal:session-over"));
    const query = new URLSearchParams({ next: location.pathname + location.search, why: "idle" });
    location.assign(`${dialog.dataset.overUrl}?${query}`);
  };

  /* The seconds left by the server's word; 0 where the session is over, null where it can't be reached. */
  const ask = async (url, options) => {
    try {
      const answer = await fetch(url, { redirect: "manual", headers: { Accept: "application/json" }, ...options });
      return answer.ok ? (await answer.json()).seconds : 0;
    } catch {
      return null;
    }
  };

  const show = () => {
    const seconds = Math.ceil(left() / 1000);
    clock.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    const saying = seconds > 60 ? "2 minutes until you are signed out" : "Less than a minute until you are signed out";
    if (live.textContent !== saying) live.textContent = saying;
  };

  const check = async () => {
    if (asking) return;
    asking = true;
    const seconds = await ask(dialog.dataset.timeUrl, {});
    asking = false;
    if (seconds !== null) end = performance.now() + seconds * 1000;
    if (left() === 0) over();
    else if (left() > warning) dialog.close();
    else if (!dialog.open) {
      show();
      dialog.showModal();
    }
  };

  setInterval(() => {
    if (left() === 0) over();
    else if (dialog.open) show();
    else if (left() <= warning) check();
  }, 1000);

  /* A computer that slept, or another tab that went on. */
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible" && (dialog.open || left() <= warning)) check();
  });

  stay.addEventListener("submit", async (event) => {
    event.preventDefault();
    const seconds = await ask(stay.action, { method: "POST", body: new FormData(stay) });
    if (seconds === 0) return over();
    if (seconds !== null) {
      end = performance.now() + seconds * 1000;
      dialog.close();
    }
    return undefined;
  });

  /* Escape would hide the warning without staying: it means to stay. */
  dialog.addEventListener("cancel", (event) => {
    event.preventDefault();
    stay.requestSubmit();
  });
})();
