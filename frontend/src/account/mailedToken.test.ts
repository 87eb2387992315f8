import { describe, expect, it } from "vitest";

import { mailedToken } from "./mailedToken";

const TOKEN = "nUv-3_kd0s2cHyZbZrHkV0l2Z8Xk1m9q7o5eX-_tQ4A";

describe("mailedToken", () => {
  it("is what the link brings", () => {
    expect(mailedToken(`#token=${TOKEN}`)).toBe(TOKEN);
  });

  it.each([".", ">", ")", "%20", "&utm_source=mail"])("ends before %s", (behind) => {
    expect(mailedToken(`#token=${TOKEN}${behind}`)).toBe(TOKEN);
  });

  it.each(["", "#", "#token=", "#top", "#tokens=abc", "#x&token=abc"])("is not in %o", (fragment) => {
    expect(mailedToken(fragment)).toBeNull();
  });
});
