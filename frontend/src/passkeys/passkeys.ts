import { type FieldError, problemsOf, type Refusal, refusal, UNAVAILABLE } from "../account/actionOutcome";
import { type Ask, GatewayUnavailableError, type GraphQLAnswer } from "../gateway";
import type { PasskeyDialog } from "../login/passkeyDialog";
import confirmPasskey from "./operations/confirm-passkey.graphql?raw";
import enrollPasskey from "./operations/enroll-passkey.graphql?raw";
import myPasskeys from "./operations/my-passkeys.graphql?raw";
import deletePasskey from "./operations/remove-passkey.graphql?raw";

export interface Passkey {
  readonly id: string;
  readonly name: string;
  readonly createdAt: string;
  /** Null: never yet. */
  readonly lastUsedAt: string | null;
}

export interface MyPasskeys {
  /** As it is now: staff can change it while the page is open. */
  readonly email: string | null;
  /** Whether one can be added. */
  readonly emailVerified: boolean;
  readonly passkeys: readonly Passkey[];
  /** Whether a password alone is not enough. */
  readonly mfaEnabled: boolean;
}

export type Outcome<Value> = { readonly kind: "done"; readonly value: Value } | Failure;

/** Nothing was done. */
type Failure =
  /** Nothing will be before another login, or before the address is confirmed. */
  { readonly kind: "loginNeeded" | "addressNotConfirmed"; readonly message: string } | Refusal;

/** Where the API answers with a member of a union; all but the successes are errors with a message. */
interface Member {
  readonly __typename: string;
  readonly message?: string;
  readonly fields?: readonly FieldError[];
}

const LOGIN_ENDED = "Your login has ended. Log in again.";

export async function readPasskeys(ask: Ask): Promise<Outcome<MyPasskeys>> {
  return answerTo<MyPasskeys>(myPasskeys, {}, ask);
}

/** Gives the recovery codes that came with the first one, or none. */
export async function addPasskey(name: string, dialog: PasskeyDialog, ask: Ask): Promise<Outcome<readonly string[]>> {
  // Before the device has made one: the API would refuse it after.
  if (name.trim() === "") return refusal("", { name: "Give it a name." });
  const enrolled = await resultOf<{ options: string }>(enrollPasskey, {}, ask);
  if (enrolled.kind !== "done") return besideName(enrolled);
  const made = await dialog(enrolled.value.options);
  if (made.kind === "failed") return refusal(made.message);
  const input = { name, response: made.response };
  const confirmed = await resultOf<{ recoveryCodes: readonly string[] }>(confirmPasskey, { input }, ask);
  return confirmed.kind === "done" ? { kind: "done", value: confirmed.value.recoveryCodes } : besideName(confirmed);
}

/** One that is gone already is what was wanted. */
export async function removePasskey(id: string, ask: Ask): Promise<Outcome<unknown>> {
  return resultOf(deletePasskey, { id }, ask, ["NotFoundError"]);
}

/** What was removed, and what that changes about the next login. */
export function removalNotice(name: string, before: MyPasskeys, after: MyPasskeys): string {
  const removed = `“${name}” is removed.`;
  if (after.mfaEnabled || !before.mfaEnabled) return removed;
  return `${removed} Your second factor is off: your password alone logs you in.`;
}

/** What is said to who says that they have confirmed their address. */
export function confirmationNotice({ emailVerified }: MyPasskeys): string {
  return emailVerified ? "Your address is confirmed." : "Your address is not confirmed yet: open the link in the newest mail.";
}

/** *name*, with a number if one of *passkeys* has it already. */
export function freeName(name: string, passkeys: readonly Passkey[]): string {
  const taken = new Set(passkeys.map((each) => each.name));
  let free = name;
  for (let number = 2; taken.has(free); number++) free = `${name} ${number}`;
  return free;
}

async function resultOf<Success>(
  mutation: string,
  variables: object,
  ask: Ask,
  asGood: readonly string[] = [],
): Promise<Outcome<Success>> {
  const answer = await answerTo<Member>(mutation, variables, ask);
  if (answer.kind !== "done") return answer;
  const { __typename, message, fields = [] } = answer.value;
  if (message === undefined || asGood.includes(__typename)) return answer as Outcome<Success>;
  if (__typename === "ReauthenticationRequiredError") return { kind: "loginNeeded", message };
  if (__typename === "EmailNotVerifiedError") return { kind: "addressNotConfirmed", message };
  return fields.length > 0 ? refusal("", problemsOf(fields)) : refusal(message);
}

/** The operation's only field, if it has an answer. */
async function answerTo<Value>(query: string, variables: object, ask: Ask): Promise<Outcome<Value>> {
  try {
    const answer = await ask(query, variables);
    const [value] = Object.values((answer.data ?? {}) as Record<string, Value | null>);
    if (value) return { kind: "done", value };
    return hasEnded(answer) ? { kind: "loginNeeded", message: LOGIN_ENDED } : refusal(UNAVAILABLE);
  } catch (error) {
    if (error instanceof GatewayUnavailableError) return refusal(UNAVAILABLE);
    throw error;
  }
}

function hasEnded({ errors = [] }: GraphQLAnswer): boolean {
  return errors.some(({ extensions }) => extensions?.code === "UNAUTHENTICATED");
}

/** Of the fields, people have filled in only the name: what is wrong with another is said to them as a whole. */
function besideName(outcome: Failure): Failure {
  if (outcome.kind !== "refused") return outcome;
  const { name, ...others } = outcome.problems;
  const message = [outcome.message, ...Object.values(others)].filter(Boolean).join(" ");
  return refusal(message, name === undefined ? {} : { name });
}
