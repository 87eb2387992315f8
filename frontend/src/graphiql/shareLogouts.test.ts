import { afterEach, describe, expect, it } from "vitest";

import { type AuthorizationBox, createAuthorizationBox, EMPTY_BOX } from "./authorizationBox";
import { emptyStorage } from "./emptyStorage";
import { jwt } from "./jwt";
import { shareLogouts } from "./shareLogouts";

const open: BroadcastChannel[] = [];

function channel(): BroadcastChannel {
  const made = new BroadcastChannel("shareLogouts.test");
  open.push(made);
  return made;
}

function tokenOf(session: string): string {
  return jwt({ sub: "usr_ada", exp: 1_800_000_000, sid: session });
}

function tab(text: string) {
  const box = createAuthorizationBox(emptyStorage());
  box.fill({ text, email: "ada@example.com" });
  return { box, tellOthers: shareLogouts(box, channel()) };
}

function emptied(box: AuthorizationBox): Promise<void> {
  return new Promise((resolve) => box.subscribe(resolve));
}

afterEach(() => {
  for (const each of open.splice(0)) each.close();
});

describe("shareLogouts", () => {
  it("empties the boxes of the same session in other tabs, and no others", async () => {
    const [here, same, another] = [tab(tokenOf("ses_1")), tab(tokenOf("ses_1")), tab(tokenOf("ses_2"))];
    const told = emptied(same.box);

    here.tellOthers(tokenOf("ses_1"));
    await told;
    const toldToo = emptied(another.box);
    expect(another.box.read().text).toBe(tokenOf("ses_2"));
    here.tellOthers(tokenOf("ses_2"));
    await toldToo;

    expect(same.box.read()).toEqual(EMPTY_BOX);
    expect(another.box.read()).toEqual(EMPTY_BOX);
    expect(here.box.read().text).toBe(tokenOf("ses_1"));
  });

  it("tells the session and not the token, and nothing of a text that is none", async () => {
    const listener = channel();
    const heard = new Promise((resolve) => listener.addEventListener("message", ({ data }) => resolve(data)));
    const { tellOthers } = tab(tokenOf("ses_1"));

    tellOthers("pasted");
    tellOthers(tokenOf("ses_1"));

    expect(await heard).toBe("ses_1");
  });
});
