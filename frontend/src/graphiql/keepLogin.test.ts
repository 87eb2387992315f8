import { describe, expect, it } from "vitest";

import { type AuthorizationBox, type BoxContent, createAuthorizationBox, EMPTY_BOX } from "./authorizationBox";
import { emptyStorage } from "./emptyStorage";
import { jwt } from "./jwt";
import { keepLogin } from "./keepLogin";
import type { LoginOutcome } from "../login/login";

const ADA = "ada@example.com";
const MINUTE = 60_000;

function token(subject: string, number: number, lifeS = 600): string {
  return jwt({ sub: subject, iat: 1_800_000_000, exp: 1_800_000_000 + lifeS, sid: "ses_1", number });
}

function loggedIn(accessToken: string, email = ADA): LoginOutcome {
  return { kind: "loggedIn", accessToken, email };
}

/** A page open at minute 0, whose clock stands still until somebody goes to another time. */
function page(content: BoxContent, answer: (box: AuthorizationBox) => LoginOutcome) {
  const box = createAuthorizationBox(emptyStorage());
  box.fill(content);
  let now = 0;
  const asked: number[] = [];
  const renewIfDue = keepLogin(
    box,
    async () => {
      asked.push(now / MINUTE);
      return answer(box);
    },
    () => now,
  );
  async function wakeAt(...minutes: number[]): Promise<void> {
    for (const minute of minutes) {
      now = minute * MINUTE;
      await renewIfDue();
    }
  }
  return { box, asked, wakeAt, renewIfDue };
}

const ADAS: BoxContent = { text: token("usr_ada", 1), email: ADA };

describe("keepLogin", () => {
  it("renews the token a minute before its end, and the next one as well", async () => {
    const { box, asked, wakeAt } = page(ADAS, () => loggedIn(token("usr_ada", 2)));

    await wakeAt(1, 8.9, 9, 9.1, 17.9, 18);

    expect(asked).toEqual([9, 18]);
    expect(box.read()).toEqual({ text: token("usr_ada", 2), email: ADA });
  });

  it("renews one that lasts no longer than that at half of its life", async () => {
    const { asked, wakeAt } = page({ ...ADAS, text: token("usr_ada", 1, 60) }, () => loggedIn(token("usr_ada", 2)));

    await wakeAt(0.4, 0.5);

    expect(asked).toEqual([0.5]);
  });

  it("goes on after a sleep of hours", async () => {
    const { box, wakeAt } = page(ADAS, () => loggedIn(token("usr_ada", 2)));

    await wakeAt(500);

    expect(box.read().text).toBe(token("usr_ada", 2));
  });

  it("empties the box once the session has ended", async () => {
    const { box, wakeAt } = page(ADAS, () => ({ kind: "refused", message: "Log in again." }));

    await wakeAt(9);

    expect(box.read()).toEqual(EMPTY_BOX);
  });

  it("tries again half a minute later where nobody judged", async () => {
    const { box, asked, wakeAt } = page(ADAS, () => ({ kind: "unavailable", message: "Nobody there." }));

    await wakeAt(9, 9.1, 9.5);

    expect(asked).toEqual([9, 9.5]);
    expect(box.read()).toEqual(ADAS);
  });

  it("goes on with a login of which a reload found only the address", async () => {
    const { box, wakeAt } = page({ text: "", email: ADA }, () => loggedIn(token("usr_ada", 2)));

    await wakeAt(0.5);

    expect(box.read()).toEqual({ text: token("usr_ada", 2), email: ADA });
  });

  it("never makes somebody another person, who logged in in another tab", async () => {
    const { box, asked, wakeAt } = page(ADAS, () => loggedIn(token("usr_grace", 1), "grace@example.com"));

    await wakeAt(9, 10, 100);

    expect(asked).toEqual([9]);
    expect(box.read()).toEqual(ADAS);
  });

  it("leaves the last word to who logged out meanwhile", async () => {
    const { box, wakeAt } = page(ADAS, (box) => {
      box.clear();
      return loggedIn(token("usr_ada", 2));
    });

    await wakeAt(9);

    expect(box.read()).toEqual(EMPTY_BOX);
  });

  it("asks once at a time", async () => {
    const { asked, wakeAt, renewIfDue } = page(ADAS, () => loggedIn(token("usr_ada", 2)));

    await Promise.all([wakeAt(9), renewIfDue()]);

    expect(asked).toEqual([9]);
  });

  it.each([EMPTY_BOX, { text: token("usr_ada", 1), email: null }])("leaves %o alone", async (content) => {
    const { box, asked, wakeAt } = page(content, () => loggedIn(token("usr_ada", 2)));

    await wakeAt(9, 100);

    expect(asked).toEqual([]);
    expect(box.read()).toEqual(content);
  });
});
