import { describe, expect, it } from "vitest";

import { outcomeOf } from "./passkeyDialog";

const FAILURE = { failed: "No passkey was used", notAllowed: "the dialog was closed.", domain: "pay.example.com" };
const failing = (error: Error) => outcomeOf(() => Promise.reject(error), FAILURE);

describe("the browser's dialog", () => {
  it("gives what the device has said as JSON, in the credential's own way", async () => {
    const credential = { id: "abc", type: "public-key", toJSON: () => ({ id: "abc" }) };

    expect(await outcomeOf(async () => credential, FAILURE)).toEqual({
      kind: "answered",
      response: '{"id":"abc"}',
    });
  });

  it.each([
    ["NotAllowedError", "the dialog was closed."],
    ["InvalidStateError", "this device has one for your account already."],
    ["ConstraintError", "this device cannot do what is needed. Try another one."],
    ["SecurityError", "they are for pay.example.com. Open this page there."],
    ["UnknownError", "the browser says “Out of order.”."],
  ])("says in a sentence what %s is", async (name, reason) => {
    expect(await failing(new DOMException("Out of order.", name))).toEqual({
      kind: "failed",
      message: `No passkey was used: ${reason}`,
    });
  });

  it("may be that of an extension, with its own words", async () => {
    expect(await failing(new TypeError("Locked."))).toEqual({
      kind: "failed",
      message: "No passkey was used: the browser says “Locked.”.",
    });
  });
});
