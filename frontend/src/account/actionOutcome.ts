import { type Ask, GatewayUnavailableError, type GraphQLAnswer } from "../gateway";

/** How an action on an account ended, in words for who asked for it. */
export type ActionOutcome =
  | { readonly kind: "accepted" }
  /** The token is good for nothing any more, or never was. */
  | { readonly kind: "dead" }
  | Refusal;

/** Nothing was done, and another try may do it. */
export interface Refusal {
  readonly kind: "refused";
  /** Empty where the fields' problems say it all. */
  readonly message: string;
  readonly problems: Problems;
}

/** What is wrong with which field, by its name in the input. */
export type Problems = Readonly<Record<string, string>>;

/** A member of the union `TokenActionResult`, as our operations ask for it. */
type TokenActionResult =
  | { readonly __typename: "AcceptedSuccess" }
  | { readonly __typename: "InvalidTokenError"; readonly message: string }
  | { readonly __typename: "ValidationError"; readonly message: string; readonly fields: readonly FieldError[] }
  | { readonly __typename: "OtherError"; readonly message: string };

export interface FieldError {
  readonly path: readonly string[];
  readonly message: string;
}

export const UNAVAILABLE = "This cannot be done right now. Try again in a minute.";

/** Runs a mutation of one field, which answers a `TokenActionResult`. */
export async function outcomeOf(query: string, variables: object, ask: Ask): Promise<ActionOutcome> {
  try {
    return outcomeIn(await ask(query, variables));
  } catch (error) {
    if (error instanceof GatewayUnavailableError) return refusal(UNAVAILABLE);
    throw error;
  }
}

export function refusal(message: string, problems: Problems = {}): Refusal {
  return { kind: "refused", message, problems };
}

function outcomeIn({ data }: GraphQLAnswer): ActionOutcome {
  const [result] = Object.values((data ?? {}) as Record<string, TokenActionResult | null>);
  // What stands in `errors` then is said to programs.
  if (!result) return refusal(UNAVAILABLE);
  switch (result.__typename) {
    case "AcceptedSuccess":
      return { kind: "accepted" };
    case "InvalidTokenError":
      return { kind: "dead" };
    case "ValidationError":
      return result.fields.length > 0 ? refusal("", problemsOf(result.fields)) : refusal(result.message);
    default:
      return refusal(result.message);
  }
}

export function problemsOf(fields: readonly FieldError[]): Problems {
  return Object.fromEntries(fields.map(({ path, message }) => [path.at(-1) ?? "", message]));
}
