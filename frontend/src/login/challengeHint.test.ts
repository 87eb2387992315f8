import { describe, expect, it } from "vitest";

import { challengeHint, takesCode } from "./challengeHint";
import type { MfaMethod } from "./login";

describe("challengeHint", () => {
  it.each<[MfaMethod[], string]>([
    [
      ["TOTP", "RECOVERY_CODE"],
      "Enter the six digits that your authenticator app shows, or one of your recovery codes.",
    ],
    [["TOTP"], "Enter the six digits that your authenticator app shows."],
    [["RECOVERY_CODE", "PASSKEY"], "Use a passkey, or enter one of your recovery codes."],
    [["PASSKEY"], "Use one of your passkeys."],
  ])("names for %s what the account has, and nothing else", (methods, hint) => {
    expect(challengeHint(methods, true)).toBe(hint);
  });

  it.each<[MfaMethod[], string]>([
    [["RECOVERY_CODE", "PASSKEY"], "Enter one of your recovery codes."],
    [["PASSKEY"], ""],
  ])("names for %s no passkey where there can be none", (methods, hint) => {
    expect(challengeHint(methods, false)).toBe(hint);
  });
});

describe("takesCode", () => {
  it("is false of an account with passkeys alone", () => {
    expect(takesCode(["PASSKEY"])).toBe(false);
    expect(takesCode(["RECOVERY_CODE", "PASSKEY"])).toBe(true);
  });
});
