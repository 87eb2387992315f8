import { describe, expect, it } from "vitest";

import { placeAt } from "./passkeyPlace";

describe("placeAt", () => {
  it.each(["http://localhost:8000/graphiql", "https://pay.example.com/account/passkeys", "https://10.example.com/"])(
    "has passkeys at %s",
    (href) => {
      expect(placeAt(href, true)).toEqual({ kind: "here" });
    },
  );

  it.each([
    ["http://127.0.0.1:8000/graphiql", "http://localhost:8000/graphiql", "localhost:8000"],
    ["http://127.1/account/passkeys", "http://localhost/account/passkeys", "localhost"],
    ["http://[::1]:8000/account/a?b=c#token=d", "http://localhost:8000/account/a?b=c#token=d", "localhost:8000"],
  ])("leads from %s to the same page by a name", (href, url, host) => {
    expect(placeAt(href, true)).toEqual({ kind: "elsewhere", url, host });
  });

  it.each(["https://192.168.1.7/graphiql", "https://[2001:db8::1]/graphiql"])(
    "knows no name for another machine than this: %s",
    (href) => {
      expect(placeAt(href, true)).toEqual({ kind: "nowhere" });
    },
  );

  it.each(["http://localhost:8000/", "http://127.0.0.1:8000/"])("has none in a browser that has none: %s", (href) => {
    expect(placeAt(href, false)).toEqual({ kind: "nowhere" });
  });
});
