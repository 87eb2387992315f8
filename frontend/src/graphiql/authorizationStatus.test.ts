import { describe, expect, it } from "vitest";

import type { Authorization } from "./authorization";
import { authorizationStatus } from "./authorizationStatus";

const NOON = new Date("2026-11-23T12:00:00Z");

function token({ expiresInMs }: { expiresInMs: number }): Authorization {
  const expiresAt = new Date(NOON.getTime() + expiresInMs);
  return { kind: "token", token: "abc", claims: { subject: "usr_01", expiresAt, lifeMs: null, session: null } };
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

  it("says that a token is none of ours, or damaged", () => {
    expect(authorizationStatus({ kind: "token", token: "abc", claims: null }, null, NOON)).toEqual({
      tone: "bad",
      text: "This is no access token, or a damaged one",
    });
  });

  it("names the e-mail address of a login, and else the token's subject", () => {
    const good = token({ expiresInMs: 1 });

    expect(authorizationStatus(good, "ada@example.com", NOON).text).toMatch(/^ada@example.com, until/);
    expect(authorizationStatus(good, null, NOON).text).toMatch(/^usr_01, until/);
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
