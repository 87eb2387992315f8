import type { Authorization, TokenClaims } from "./authorization";

export interface AuthorizationStatus {
  readonly tone: "neutral" | "good" | "bad";
  readonly text: string;
}

/** The sentence beside the box. *email* is known only after a login through the form. */
export function authorizationStatus(
  authorization: Authorization,
  email: string | null,
  now: Date,
): AuthorizationStatus {
  switch (authorization.kind) {
    case "none":
      return { tone: "neutral", text: "Anonymous" };
    case "malformed":
      return { tone: "bad", text: "Not sent: this does not look like a token" };
    case "token":
      if (authorization.claims === null) return NO_ACCESS_TOKEN;
      return tokenStatus(authorization.claims, email, now);
  }
}

const NO_ACCESS_TOKEN: AuthorizationStatus = {
  tone: "bad",
  text: "This is no access token, or a damaged one",
};

function tokenStatus(
  { subject, expiresAt }: TokenClaims,
  email: string | null,
  now: Date,
): AuthorizationStatus {
  const who = email ?? subject;
  if (expiresAt <= now) return { tone: "bad", text: `${who}, expired at ${clock(expiresAt)}: log in again` };
  return { tone: "good", text: `${who}, until ${clock(expiresAt)}` };
}

function clock(time: Date): string {
  return time.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
}
