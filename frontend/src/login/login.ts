import { type Ask, GatewayUnavailableError, type GraphQLAnswer } from "../gateway";
import beginPasskeyLoginOperation from "./operations/begin-passkey-login.graphql?raw";
import completeMfaOperation from "./operations/complete-mfa.graphql?raw";
import logInOperation from "./operations/log-in.graphql?raw";
import logOutOperation from "./operations/log-out.graphql?raw";
import resumeOperation from "./operations/resume.graphql?raw";
import type { PasskeyDialog } from "./passkeyDialog";

export interface Credentials {
  readonly email: string;
  readonly password: string;
}

export type MfaMethod = "TOTP" | "RECOVERY_CODE" | "PASSKEY";

/** What is asked for when the password was right and is not enough, or instead of it; good for five minutes. */
export interface Challenge {
  readonly challengeId: string;
  /** Null: nobody has said who they are. */
  readonly email: string | null;
  /** Those that the account has. */
  readonly methods: readonly MfaMethod[];
  /** For the browser's dialog; null where there is no passkey. */
  readonly passkeyOptions: string | null;
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
      readonly user: { readonly id: string; readonly email: string | null };
    }
  | {
      readonly __typename: "MfaRequiredError";
      readonly challengeId: string;
      readonly methods: readonly MfaMethod[];
      readonly passkeyOptions: string | null;
    }
  | { readonly __typename: "PasskeyChallenge"; readonly challengeId: string; readonly options: string }
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

/** The same by a passkey. */
export async function completeMfaByPasskey(
  { challengeId, passkeyOptions, email }: Challenge,
  dialog: PasskeyDialog,
  ask: Ask,
): Promise<LoginOutcome> {
  if (passkeyOptions === null) throw new Error("the challenge is for no passkey");
  const answer = await dialog(passkeyOptions);
  if (answer.kind === "failed") return { kind: "unavailable", message: answer.message };
  const input = { challengeId, method: "PASSKEY", code: answer.response };
  return outcomeOf(() => ask(completeMfaOperation, { input }), email);
}

/** A login by a passkey alone: the browser shows those that it has, which say whose they are. */
export async function logInByPasskey(dialog: PasskeyDialog, ask: Ask): Promise<LoginOutcome> {
  const begun = await outcomeOf(() => ask(beginPasskeyLoginOperation, {}), null);
  return begun.kind === "challenged" ? completeMfaByPasskey(begun.challenge, dialog, ask) : begun;
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

async function outcomeOf(asked: () => Promise<GraphQLAnswer>, email: string | null): Promise<LoginOutcome> {
  try {
    return outcomeIn(await asked(), email);
  } catch (error) {
    if (error instanceof GatewayUnavailableError) return { kind: "unavailable", message: error.message };
    throw error;
  }
}

function outcomeIn(answer: GraphQLAnswer, knownEmail: string | null): LoginOutcome {
  const [result] = Object.values((answer.data ?? {}) as Record<string, LoginResult | null>);
  if (!result)
    return { kind: "unavailable", message: answer.errors?.[0]?.message ?? "The login was not answered." };
  switch (result.__typename) {
    case "LoginSuccess":
      return {
        kind: "loggedIn",
        accessToken: result.tokens.accessToken,
        email: result.user.email ?? knownEmail ?? result.user.id,
      };
    case "MfaRequiredError":
      return challenged(result.challengeId, knownEmail, result.methods, result.passkeyOptions);
    case "PasskeyChallenge":
      return challenged(result.challengeId, null, ["PASSKEY"], result.options);
    case "RateLimitedError":
      return { kind: "unavailable", message: result.message };
    default:
      return { kind: "refused", message: result.message };
  }
}

function challenged(
  challengeId: string,
  email: string | null,
  methods: readonly MfaMethod[],
  passkeyOptions: string | null,
): LoginOutcome {
  return { kind: "challenged", challenge: { challengeId, email, methods, passkeyOptions } };
}
