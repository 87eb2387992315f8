import { describe, expect, it } from "vitest";

import type { Authorization } from "./authorization";
import { authorizationStatus } from "./authorizationStatus";

const NOON = new Date("2026-11-23T12:00:00Z");

function token({
  subject = "usr_01",
  expiresInMs,
}: {
  subject?: string | null;
  expiresInMs?: number;
}): Authorization {
  const expiresAt = expiresInMs === undefined ? null : new Date(NOON.getTime() + expiresInMs);
  return { kind: "token", token: "abc", claims: { subject, expiresAt } };
}

describe("authorizationStatus", () => {
  it("says that nobody is logged in", () => {
    expect(authorizationStatus({ kind: "none" }, null, NOON)).toEqual({ tone: "neutral", text: "Anonymous" });
  });

  it("says that a malformed text is not sent", () => {
    expect(authorizationStatus({ kind: "malformed" }, null, NOON)).toMatchObject({
      tone: "bad",
      text: expect.stringMatching(/^Not sent/),
    });
  });

  it("names the e-mail address of a login, and else the token's subject", () => {
    expect(authorizationStatus(token({}), "ada@example.com", NOON).text).toBe("ada@example.com");
    expect(authorizationStatus(token({}), null, NOON).text).toBe("usr_01");
    expect(authorizationStatus(token({ subject: null }), null, NOON).text).toBe("Token of unknown owner");
  });

  it("says until when a token is good", () => {
    expect(authorizationStatus(token({ expiresInMs: 1 }), null, NOON)).toMatchObject({
      tone: "good",
      text: expect.stringMatching(/^usr_01, until \d/),
    });
  });

  it("says that a token has expired from its last moment on", () => {
    expect(authorizationStatus(token({ expiresInMs: 0 }), null, NOON)).toMatchObject({
      tone: "bad",
      text: expect.stringMatching(/^usr_01, expired at .*log in again$/),
    });
  });
});
