import { describe, expect, it } from "vitest";

import { readAuthorization } from "./authorization";

const TOKEN = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ1c3JfMDEifQ.c2lnbmF0dXJl";

function jwt(claims: object): string {
  const payload = btoa(String.fromCharCode(...new TextEncoder().encode(JSON.stringify(claims))));
  const base64url = payload.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  return `eyJhbGciOiJFUzI1NiJ9.${base64url}.c2lnbmF0dXJl`;
}

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

  it.each(["opaque-token", "a.b.c", jwt([]), jwt({ sub: 7, exp: "soon" })])(
    "sends %s all the same, unread",
    (token) => {
      expect(readAuthorization(token)).toEqual({
        kind: "token",
        token,
        claims: { subject: null, expiresAt: null },
      });
    },
  );
});
