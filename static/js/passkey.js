/* Creates a passkey, or signs with one: asks the portal for options, the browser for an answer, and sends the form with
   it. What goes wrong is said in words; every other method stays a link on the page. */

(() => {
  "use strict";

  const form = document.querySelector("form[data-passkey]");
  if (!form) return;
  const start = form.querySelector("[data-passkey-start]");
  const trouble = document.querySelector("[data-passkey-trouble]");
  const creates = form.dataset.passkey === "create";

  const say = (words) => {
    trouble.querySelector("[data-passkey-words]").textContent = words;
    trouble.hidden = false;
    trouble.focus();
  };

  if (!window.PublicKeyCredential || !navigator.credentials) {
    say("This browser can’t use passkeys. Use another browser, or a different method.");
    return;
  }
  start.hidden = false;

  /* Bytes travel as base64url. Browsers of the last years do this themselves; older ones don't. */
  const toBytes = (text) => {
    const padded = text.replace(/-/g, "+").replace(/_/g, "/");
    return Uint8Array.from(atob(padded), (character) => character.charCodeAt(0));
  };
  const toText = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

  const withBytes = (options) => {
    const read = { ...options, challenge: toBytes(options.challenge) };
    for (const list of ["allowCredentials", "excludeCredentials"]) {
      if (options[list]) read[list] = options[list].map((each) => ({ ...each, id: toBytes(each.id) }));
    }
    if (options.user) read.user = { ...options.user, id: toBytes(options.user.id) };
    return read;
  };

  const asJson = (credential) => {
    const { response } = credential;
    const told = { clientDataJSON: toText(response.clientDataJSON) };
    if (creates) {
      told.attestationObject = toText(response.attestationObject);
      if (response.getTransports) told.transports = response.getTransports();
    } else {
      told.authenticatorData = toText(response.authenticatorData);
      told.signature = toText(response.signature);
      if (response.userHandle) told.userHandle = toText(response.userHandle);
    }
    return JSON.stringify({
      id: credential.id,
      rawId: toText(credential.rawId),
      type: credential.type,
      response: told,
      clientExtensionResults: credential.getClientExtensionResults(),
    });
  };

  const WORDS = {
    AbortError: "You stopped it. Try again, or use a different method.",
    NotAllowedError: creates
      ? "No passkey was created. You may have cancelled, it took too long, or this device has no fingerprint, face, or PIN set up. Try again, or use a different method."
      : "Your browser gave us no passkey. You may have cancelled, it took too long, or your passkey isn’t on this device. Try again, or use a different method.",
    InvalidStateError: creates
      ? "This device already has a passkey for your account. You can use it the next time you sign in."
      : "This device can’t use your passkey right now. Try again, or use a different method.",
    NotSupportedError: "This device can’t make a passkey that we accept. Use another device, or a different method.",
    ConstraintError: "This device has no fingerprint, face, or PIN set up, which a passkey needs. Set one up in its settings, or use a different method.",
    SecurityError: "Passkeys don’t work at this address. Open the portal at its own address, or use a different method.",
    offline: "We couldn’t reach the portal. Check your connection and try again.",
  };

  const options = async () => {
    const csrf = form.querySelector('[name="csrfmiddlewaretoken"]').value;
    const answer = await fetch(form.dataset.options, { method: "POST", headers: { "X-CSRFToken": csrf } });
    /* Led elsewhere: the session has ended, or needs a code first. The page itself says which. */
    if (answer.redirected || answer.status === 403) {
      window.location.reload();
      return null;
    }
    const told = await answer.json();
    if (!answer.ok) throw new Error(told.error);
    return withBytes(told);
  };

  let busy = false;
  form.addEventListener("submit", async (event) => {
    const field = form.querySelector('[name="answer"]');
    if (field.value) return;
    event.preventDefault();
    if (busy) return;
    if (!form.reportValidity()) return;
    busy = true;
    start.disabled = true;
    trouble.hidden = true;
    let asked;
    try {
      asked = await options();
    } catch (error) {
      say(error instanceof TypeError || error instanceof SyntaxError ? WORDS.offline : error.message);
    }
    try {
      if (asked) {
        const ask = { publicKey: asked };
        field.value = asJson(await (creates ? navigator.credentials.create(ask) : navigator.credentials.get(ask)));
        start.disabled = false;
        form.requestSubmit(start);
      }
    } catch (error) {
      say(WORDS[error.name] || WORDS.NotAllowedError);
    } finally {
      busy = false;
      start.disabled = false;
    }
  });

  /* An answer is good once: a page that comes back by the Back button starts over. */
  window.addEventListener("pageshow", () => { form.querySelector('[name="answer"]').value = ""; });
})();
