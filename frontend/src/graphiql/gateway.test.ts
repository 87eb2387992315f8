import { describe, expect, it } from "vitest";

import { authorized } from "./gateway";

describe("authorized", () => {
  it("adds the box's token to a request's headers", () => {
    const headers = authorized({ "content-type": "application/json" }, "Bearer abc");

    expect([...headers]).toEqual([
      ["authorization", "Bearer abc"],
      ["content-type", "application/json"],
    ]);
  });

  it("leaves an Authorization of the headers editor alone", () => {
    expect(authorized({ authorization: "Bearer other" }, "abc").get("Authorization")).toBe("Bearer other");
  });

  it.each(["", "not a tökén"])("adds nothing for %j", (boxText) => {
    expect([...authorized(undefined, boxText)]).toEqual([]);
  });
});
