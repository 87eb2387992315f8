import type { MfaMethod } from "./login";

const DIGITS = "the six digits that your authenticator app shows";
const RECOVERY_CODE = "one of your recovery codes";

/** What an account that has *methods* is asked for after the password. *hasPasskeys*: whether the page can use them. */
export function challengeHint(methods: readonly MfaMethod[], hasPasskeys: boolean): string {
  const code = codesOf(methods);
  if (!methods.includes("PASSKEY") || !hasPasskeys) return code === "" ? "" : `Enter ${code}.`;
  return code === "" ? "Use one of your passkeys." : `Use a passkey, or enter ${code}.`;
}

export function takesCode(methods: readonly MfaMethod[]): boolean {
  return codesOf(methods) !== "";
}

function codesOf(methods: readonly MfaMethod[]): string {
  const codes = [methods.includes("TOTP") && DIGITS, methods.includes("RECOVERY_CODE") && RECOVERY_CODE];
  return codes.filter(Boolean).join(", or ");
}
