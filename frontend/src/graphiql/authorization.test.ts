import { describe, expect, it } from "vitest";

import { readAuthorization } from "./authorization";
import { jwt } from "./jwt";

const TOKEN = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ1c3JfMDEifQ.c2lnbmF0dXJl";

const ADAS = jwt({ sub: "usr_01", exp: 1_800_000_000 });

describe("readAuthorization", () => {
  it.each([
    ["bare", TOKEN],
    ["with Bearer", `Bearer ${TOKEN}`],
    ["with bearer in another case and more space", `  bearer   ${TOKEN}\n`],
    ["as a header line", `Authorization: Bearer ${TOKEN}`],
    ["in quotes, with the comma of a JSON answer", `"${TOKEN}",`],
    ["broken over lines by a terminal", `${TOKEN.slice(0, 20)}\n${TOKEN.slice(20)}`],
  ])("takes a token %s", (_how, text) => {
    expect(readAuthorization(text)).toMatchObject({ kind: "token", token: TOKEN });
  });

  it.each(["", "   ", "Bearer", "Bearer ", "authorization:"])("finds nothing in %j", (text) => {
    expect(readAuthorization(text)).toEqual({ kind: "none" });
  });

  it.each(["pässword", "{accessToken}", "abc…def"])("refuses %j, which no header may carry", (text) => {
    expect(readAuthorization(text)).toEqual({ kind: "malformed" });
  });

  it("reads whose token it is and until when", () => {
    expect(readAuthorization(jwt({ sub: "usr_01é", exp: 1_800_000_000 }))).toMatchObject({
      claims: { subject: "usr_01é", expiresAt: new Date("2027-01-15T08:00:00Z") },
    });
  });

  it("reads how long it lasts, and of which login it is", () => {
    expect(readAuthorization(jwt({ sub: "usr_01", iat: 1_800_000_000, exp: 1_800_000_600, sid: "ses_1" }))).toMatchObject({
      claims: { lifeMs: 600_000, session: "ses_1" },
    });
    expect(readAuthorization(ADAS)).toMatchObject({ claims: { lifeMs: null, session: null } });
  });

  it.each([
    ["a text without dots", "opaque-token"],
    ["three parts without meaning", "a.b.c"],
    ["claims that are no object", jwt([])],
    ["claims of other types", jwt({ sub: 7, exp: "soon" })],
    ["no subject", jwt({ exp: 1_800_000_000 })],
    ["no end", jwt({ sub: "usr_01" })],
    ["a signature of another kind", jwt({ sub: "usr_01", exp: 1_800_000_000 }, { alg: "HS256" })],
    ["a token that lacks its first character", ADAS.slice(1)],
    ["a token that lacks its last character", ADAS.slice(0, -1)],
    ["two tokens in one", `${ADAS}.${ADAS}`],
  ])("reads nothing from %s, and sends it all the same", (_what, token) => {
    expect(readAuthorization(token)).toEqual({ kind: "token", token, claims: null });
  });
});
