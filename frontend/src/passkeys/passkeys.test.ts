import { describe, expect, it } from "vitest";

import { GatewayUnavailableError, type GraphQLAnswer } from "../gateway";
import { addPasskey, confirmationNotice, freeName, readPasskeys, removalNotice, removePasskey } from "./passkeys";

const OPTIONS = '{"challenge":"abc"}';
const ENROLLED = { enrollPasskey: { __typename: "PasskeyEnrollment", options: OPTIONS } };
const LAPTOP = { id: "pk_1", name: "Laptop", createdAt: "2026-11-29T21:00:00Z", lastUsedAt: null };
const ADA = { email: "ada@example.com", emailVerified: true };
const UNCONFIRMED = { __typename: "EmailNotVerifiedError", message: "Confirm your e-mail address first." };
const STALE = { __typename: "ReauthenticationRequiredError", message: "Log in again, then do this." };

const making = async (options: string) => ({ kind: "answered", response: `made for ${options}` }) as const;
const cancelling = async () => ({ kind: "failed", message: "It was closed." }) as const;

/** Answers each operation by its name. */
function api(results: Record<string, object>) {
  const sent: [string, object][] = [];
  const ask = async (query: string, variables: object): Promise<GraphQLAnswer> => {
    const name = /^\w+ (\w+)/.exec(query)?.[1] ?? "";
    sent.push([name, variables]);
    return { data: results[name] };
  };
  return { sent, ask };
}

describe("readPasskeys", () => {
  it("gives those of who asks", async () => {
    const mine = { ...ADA, mfaEnabled: true, passkeys: [LAPTOP] };

    expect(await readPasskeys(api({ MyPasskeys: { me: mine } }).ask)).toEqual({ kind: "done", value: mine });
  });

  it("says that the login has ended", async () => {
    const errors = [{ message: "The token has expired.", extensions: { code: "UNAUTHENTICATED" } }];

    expect(await readPasskeys(async () => ({ data: { me: null }, errors }))).toEqual({
      kind: "loginNeeded",
      message: "Your login has ended. Log in again.",
    });
  });

  it("spares people the words for programs, and hides no other fault", async () => {
    const failing = (failure: Error) => async () => {
      throw failure;
    };
    const unavailable = { kind: "refused", message: "This cannot be done right now. Try again in a minute." };

    expect(await readPasskeys(async () => ({ errors: [{ message: "fetch of users failed" }] }))).toMatchObject(unavailable);
    expect(await readPasskeys(failing(new GatewayUnavailableError("Nobody there.")))).toMatchObject(unavailable);
    await expect(readPasskeys(failing(new RangeError("a bug")))).rejects.toThrow("a bug");
  });
});

describe("addPasskey", () => {
  it("sends what the device has made under its name, and gives the recovery codes of the first one", async () => {
    const confirmed = { confirmPasskey: { __typename: "PasskeyConfirmed", recoveryCodes: ["abcd-efgh"] } };
    const { sent, ask } = api({ EnrollPasskey: ENROLLED, ConfirmPasskey: confirmed });

    expect(await addPasskey("Laptop", making, ask)).toEqual({ kind: "done", value: ["abcd-efgh"] });
    expect(sent).toEqual([
      ["EnrollPasskey", {}],
      ["ConfirmPasskey", { input: { name: "Laptop", response: `made for ${OPTIONS}` } }],
    ]);
  });

  it("has the device make none without a name", async () => {
    const { sent, ask } = api({});

    expect(await addPasskey("  ", making, ask)).toMatchObject({ problems: { name: "Give it a name." } });
    expect(sent).toEqual([]);
  });

  it("sends nothing where the dialog was closed", async () => {
    const { sent, ask } = api({ EnrollPasskey: ENROLLED });

    expect(await addPasskey("Laptop", cancelling, ask)).toMatchObject({ kind: "refused", message: "It was closed." });
    expect(sent).toEqual([["EnrollPasskey", {}]]);
  });

  it("puts what is wrong with the name beside it, and says the rest", async () => {
    const fields = [
      { path: ["input", "name"], message: "Too long." },
      { path: ["input", "response"], message: "Begin again." },
    ];
    const refused = { confirmPasskey: { __typename: "ValidationError", message: "Invalid.", fields } };

    expect(await addPasskey("Laptop", making, api({ EnrollPasskey: ENROLLED, ConfirmPasskey: refused }).ask)).toEqual({
      kind: "refused",
      message: "Begin again.",
      problems: { name: "Too long." },
    });
  });

  it("says that there are too many before the device makes another one", async () => {
    const fields = [{ path: [], message: "An account may have 20." }];
    const refused = { enrollPasskey: { __typename: "ValidationError", message: "Invalid.", fields } };

    expect(await addPasskey("Laptop", making, api({ EnrollPasskey: refused }).ask)).toMatchObject({
      message: "An account may have 20.",
      problems: {},
    });
  });

  it.each([
    ["first", { EnrollPasskey: { enrollPasskey: STALE } }],
    ["then", { EnrollPasskey: ENROLLED, ConfirmPasskey: { confirmPasskey: STALE } }],
  ])("takes a new login where the API says so, %s", async (_when, results) => {
    expect(await addPasskey("Laptop", making, api(results).ask)).toEqual({
      kind: "loginNeeded",
      message: STALE.message,
    });
  });

  it.each([
    ["first", { EnrollPasskey: { enrollPasskey: UNCONFIRMED } }],
    ["then", { EnrollPasskey: ENROLLED, ConfirmPasskey: { confirmPasskey: UNCONFIRMED } }],
  ])("takes a confirmed address where the API says so, %s", async (_when, results) => {
    expect(await addPasskey("Laptop", making, api(results).ask)).toMatchObject({ kind: "addressNotConfirmed" });
  });
});

describe("removePasskey", () => {
  it.each([{ __typename: "AcceptedSuccess" }, { __typename: "NotFoundError", message: "There is no such." }])(
    "is done once it is gone: %s",
    async (result) => {
      const { sent, ask } = api({ RemovePasskey: { removePasskey: result } });

      expect(await removePasskey("pk_1", ask)).toMatchObject({ kind: "done" });
      expect(sent).toEqual([["RemovePasskey", { id: "pk_1" }]]);
    },
  );

  it("may take a new login", async () => {
    expect(await removePasskey("pk_1", api({ RemovePasskey: { removePasskey: STALE } }).ask)).toMatchObject({
      kind: "loginNeeded",
    });
  });
});

describe("removalNotice", () => {
  const on = { ...ADA, passkeys: [], mfaEnabled: true };
  const off = { ...ADA, passkeys: [], mfaEnabled: false };

  it("says that a password alone is enough again, if it is", () => {
    expect(removalNotice("Laptop", on, on)).toBe("“Laptop” is removed.");
    expect(removalNotice("Laptop", on, off)).toBe(
      "“Laptop” is removed. Your second factor is off: your password alone logs you in.",
    );
  });
});

describe("confirmationNotice", () => {
  it("says whether the address is confirmed", () => {
    const mine = { ...ADA, passkeys: [], mfaEnabled: false };

    expect(confirmationNotice(mine)).toBe("Your address is confirmed.");
    expect(confirmationNotice({ ...mine, emailVerified: false })).toContain("not confirmed yet");
  });
});

describe("freeName", () => {
  it("adds a number to a name that is taken", () => {
    const named = (name: string) => ({ ...LAPTOP, name });

    expect(freeName("Laptop", [])).toBe("Laptop");
    expect(freeName("Laptop", [LAPTOP, named("Laptop 2")])).toBe("Laptop 3");
  });
});
