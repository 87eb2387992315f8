import { type Ask, GatewayUnavailableError, type GraphQLAnswer } from "../gateway";
import completeMfaOperation from "./operations/complete-mfa.graphql?raw";
import logInOperation from "./operations/log-in.graphql?raw";
import logOutOperation from "./operations/log-out.graphql?raw";
import resumeOperation from "./operations/resume.graphql?raw";

export interface Credentials {
  readonly email: string;
  readonly password: string;
}

/** What `login` asks for when the password was right and is not enough; good for five minutes. */
export interface Challenge {
  readonly challengeId: string;
  readonly email: string;
}

export type LoginOutcome =
  | { readonly kind: "loggedIn"; readonly accessToken: string; readonly email: string }
  | { readonly kind: "challenged"; readonly challenge: Challenge }
  | { readonly kind: "refused"; readonly message: string }
  /** Not judged: the same may be taken later. */
  | { readonly kind: "unavailable"; readonly message: string };

/** What the mutations answer: a member of their unions. All but the success are errors with a message. */
type LoginResult =
  | {
      readonly __typename: "LoginSuccess";
      readonly tokens: { readonly accessToken: string };
      readonly user: { readonly email: string | null };
    }
  | { readonly __typename: "MfaRequiredError"; readonly challengeId: string; readonly message: string }
  | { readonly __typename: "RateLimitedError"; readonly message: string }
  | { readonly __typename: "OtherError"; readonly message: string };

/** Runs the login mutation; a refusal, a malformed request and an absent gateway all come back as a sentence to show. */
export async function logIn(credentials: Credentials, ask: Ask): Promise<LoginOutcome> {
  return outcomeOf(() => ask(logInOperation, { input: credentials }), credentials.email);
}

/** The other half of a login that was challenged. *code*: of the authenticator, or a recovery code. */
export async function completeMfa(challenge: Challenge, code: string, ask: Ask): Promise<LoginOutcome> {
  const method = /^[\d ]+$/.test(code) ? "TOTP" : "RECOVERY_CODE";
  const input = { challengeId: challenge.challengeId, method, code };
  return outcomeOf(() => ask(completeMfaOperation, { input }), challenge.email);
}

/** The login of *email* that a cookie still holds. */
export function resume(email: string, ask: Ask): Promise<LoginOutcome> {
  return outcomeOf(() => ask(resumeOperation, {}), email);
}

/**
 * Ends the session of *token*, and the cookie with it. A token that has expired ends nothing, so the cookie gives another
 * one for it. Where nobody answers, both end when their time comes.
 */
export async function logOut(token: string, email: string, ask: Ask): Promise<void> {
  try {
    if (await hasEnded(token, ask)) return;
    const resumed = await resume(email, ask);
    if (resumed.kind === "loggedIn") await hasEnded(resumed.accessToken, ask);
  } catch (error) {
    if (!(error instanceof GatewayUnavailableError)) throw error;
  }
}

async function hasEnded(token: string, ask: Ask): Promise<boolean> {
  const { data } = await ask(logOutOperation, {}, token);
  return Boolean((data as { logout?: object | null } | null | undefined)?.logout);
}

async function outcomeOf(asked: () => Promise<GraphQLAnswer>, email: string): Promise<LoginOutcome> {
  try {
    return outcomeIn(await asked(), email);
  } catch (error) {
    if (error instanceof GatewayUnavailableError) return { kind: "unavailable", message: error.message };
    throw error;
  }
}

function outcomeIn(answer: GraphQLAnswer, knownEmail: string): LoginOutcome {
  const data = answer.data as Record<string, LoginResult | null> | null | undefined;
  const result = data?.["login"] ?? data?.["completeMfa"] ?? data?.["refreshToken"];
  if (!result)
    return { kind: "unavailable", message: answer.errors?.[0]?.message ?? "The login was not answered." };
  switch (result.__typename) {
    case "LoginSuccess":
      return {
        kind: "loggedIn",
        accessToken: result.tokens.accessToken,
        email: result.user.email ?? knownEmail,
      };
    case "MfaRequiredError":
      return { kind: "challenged", challenge: { challengeId: result.challengeId, email: knownEmail } };
    case "RateLimitedError":
      return { kind: "unavailable", message: result.message };
    default:
      return { kind: "refused", message: result.message };
  }
}
