"use strict";
// Shows the button for a passkey where the browser has them, and sends the answer as the code.
const button = document.getElementById("use-passkey");
if (window.PublicKeyCredential?.parseRequestOptionsFromJSON) {
  button.hidden = false;
  button.focus();
  button.addEventListener("click", async () => {
    try {
      const options = JSON.parse(button.form.elements.passkey.value);
      const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
      const answer = await navigator.credentials.get({ publicKey });
      button.form.elements.code.value = JSON.stringify(answer);
      button.form.requestSubmit(document.getElementById("allow"));
    } catch (error) {
      document.getElementById("passkey-problem").textContent =
        error.name === "SecurityError"
          ? `Passkeys are not for this address: open the page ${byName()}, or enter a code.`
          : "No passkey was used: it was cancelled, or there is none of this account here. Try again, or enter a code.";
    }
  });
}

function byName() {
  return location.hostname === "127.0.0.1" ? `at http://localhost:${location.port}` : "by the name of the site";
}
