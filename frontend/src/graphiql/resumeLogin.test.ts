import { describe, expect, it } from "vitest";

import { createAuthorizationBox, EMPTY_BOX } from "./authorizationBox";
import { emptyStorage } from "./emptyStorage";
import type { LoginOutcome } from "../login/login";
import { resumeLogin } from "./resumeLogin";

const ADA = "ada@example.com";
const LOGGED_IN: LoginOutcome = { kind: "loggedIn", accessToken: "new", email: ADA };

function reloaded(content: { text: string; email: string | null }) {
  const storage = emptyStorage();
  createAuthorizationBox(storage).fill(content);
  return { storage, box: createAuthorizationBox(storage) };
}

describe("resumeLogin", () => {
  it("goes on with the login of before the reload", async () => {
    const { box } = reloaded({ text: "old", email: ADA });

    await resumeLogin(box, async () => LOGGED_IN);

    expect(box.read()).toEqual({ text: "new", email: ADA });
  });

  it("forgets a login that has ended", async () => {
    const { box, storage } = reloaded({ text: "old", email: ADA });

    await resumeLogin(box, async () => ({ kind: "refused", message: "Log in again." }));

    expect(box.read()).toEqual(EMPTY_BOX);
    expect(storage.length).toBe(0);
  });

  it("tries again after the next reload where the gateway was away", async () => {
    const { box, storage } = reloaded({ text: "old", email: ADA });

    await resumeLogin(box, async () => ({ kind: "unavailable", message: "Nobody there." }));
    await resumeLogin(createAuthorizationBox(storage), async () => LOGGED_IN);

    expect(box.read()).toEqual({ text: "", email: ADA });
  });

  it.each([EMPTY_BOX, { text: "pasted", email: null }])("asks nothing for %o", async (content) => {
    const { box } = reloaded(content);

    await resumeLogin(box, async () => {
      throw new Error("asked");
    });

    expect(box.read()).toEqual(content);
  });
});
