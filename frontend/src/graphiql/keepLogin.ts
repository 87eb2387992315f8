import { claimsIn } from "./authorization";
import type { AuthorizationBox, BoxContent } from "./authorizationBox";
import type { LoginOutcome } from "../login/login";

const EARLY_MS = 60_000;
const AGAIN_AFTER_MS = 30_000;

/**
 * Renews the token of a login shortly before it ends, each time the function it gives is called and it is time. A
 * pasted token is left alone.
 *
 * It counts from when the token came, by a clock that goes on while the machine sleeps: whether that is right does not matter.
 */
export function keepLogin(
  box: AuthorizationBox,
  resume: (email: string) => Promise<LoginOutcome>,
  now: () => number = Date.now,
): () => Promise<void> {
  let dueAt = now() + renewedAfterMs(box.read());
  box.subscribe(() => {
    dueAt = now() + renewedAfterMs(box.read());
  });

  return async function renewIfDue() {
    const before = box.read();
    if (before.email === null || now() < dueAt) return;
    dueAt = now() + AGAIN_AFTER_MS;
    const outcome = await resume(before.email);
    // Whoever logged in or out meanwhile has the last word.
    if (box.read() !== before || outcome.kind === "unavailable") return;
    if (outcome.kind !== "loggedIn") return box.clear();
    if (isSomebodyElse(before.text, outcome.accessToken)) dueAt = Infinity;
    else box.fill({ text: outcome.accessToken, email: outcome.email });
  };
}

function renewedAfterMs({ text }: BoxContent): number {
  const lifeMs = claimsIn(text)?.lifeMs ?? 0;
  return lifeMs === 0 ? AGAIN_AFTER_MS : Math.max(lifeMs - EARLY_MS, lifeMs / 2);
}

/** Tabs have one cookie, which is of the last login in any: nobody must go on as another person than they see above. */
function isSomebodyElse(text: string, renewed: string): boolean {
  const before = claimsIn(text);
  return before !== null && before.subject !== claimsIn(renewed)?.subject;
}
