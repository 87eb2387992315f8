/** What came of the browser's dialog. */
export type DialogOutcome =
  /** *response*: as JSON, for the API. */
  | { readonly kind: "answered"; readonly response: string }
  | { readonly kind: "failed"; readonly message: string };

/** Shows the dialog that *options*, the API's JSON, ask for. */
export type PasskeyDialog = (options: string) => Promise<DialogOutcome>;

/** Shows the passkeys that the browser has for this site, one of which somebody uses. */
export const showPasskeys: PasskeyDialog = (options) => {
  const asked = JSON.parse(options) as PublicKeyCredentialRequestOptionsJSON;
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(asked);
  return outcomeOf(() => navigator.credentials.get({ publicKey }), { ...NOT_USED, domain: asked.rpId });
};

/** Has somebody make a passkey. */
export const makePasskey: PasskeyDialog = (options) => {
  const asked = JSON.parse(options) as PublicKeyCredentialCreationOptionsJSON;
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(asked);
  return outcomeOf(() => navigator.credentials.create({ publicKey }), { ...NOT_MADE, domain: asked.rp.id });
};

/** What is said where the dialog came to nothing. *domain*: whose passkeys were asked for. */
interface Failure {
  readonly failed: string;
  /** Browsers give one name to all of it, so that pages learn nothing of who sits there. */
  readonly notAllowed: string;
  readonly domain: string | undefined;
}

const NOT_USED = {
  failed: "No passkey was used",
  notAllowed: "none fitted, the device did not recognize you, or the dialog was closed.",
} as const;

const NOT_MADE = {
  failed: "No passkey was made",
  notAllowed: "the device did not recognize you, or the dialog was closed.",
} as const;

export async function outcomeOf(dialog: () => Promise<Credential | null>, failure: Failure): Promise<DialogOutcome> {
  try {
    return { kind: "answered", response: JSON.stringify(await dialog()) };
  } catch (error) {
    // Not only a DOMException: the dialog may be that of an extension, with errors of its own.
    if (!(error instanceof Error)) throw error;
    return { kind: "failed", message: `${failure.failed}: ${reason(error, failure)}` };
  }
}

/** Source: Web Authentication, Level 3, sections 5.1.3 and 5.1.4. */
function reason({ name, message }: Error, { notAllowed, domain }: Failure): string {
  switch (name) {
    case "NotAllowedError":
      return notAllowed;
    case "InvalidStateError":
      return "this device has one for your account already.";
    case "ConstraintError":
    case "NotSupportedError":
      return "this device cannot do what is needed. Try another one.";
    case "SecurityError":
      return `they are for ${domain ?? "another address"}. Open this page there.`;
    default:
      return `the browser says “${message}”.`;
  }
}
