import { GatewayUnavailableError, type GraphQLAnswer } from "./gateway";
import logInOperation from "./operations/log-in.graphql?raw";

export interface Credentials {
  readonly email: string;
  readonly password: string;
}

export type LoginOutcome =
  | { readonly kind: "loggedIn"; readonly accessToken: string; readonly email: string }
  | { readonly kind: "refused"; readonly message: string };

type Ask = (query: string, variables: object) => Promise<GraphQLAnswer>;

/** What `LogIn` answers: the success of its union, or any other member, all of which are errors with a message. */
type LoginResult =
  | {
      readonly __typename: "LoginSuccess";
      readonly tokens: { readonly accessToken: string };
      readonly user: { readonly email: string | null };
    }
  | { readonly __typename: string; readonly message: string };

/** Runs the login mutation; a refusal, a malformed request and an absent gateway all come back as a sentence to show. */
export async function logIn(credentials: Credentials, ask: Ask): Promise<LoginOutcome> {
  try {
    return outcomeOf(await ask(logInOperation, { input: credentials }), credentials.email);
  } catch (error) {
    if (error instanceof GatewayUnavailableError) return { kind: "refused", message: error.message };
    throw error;
  }
}

function outcomeOf(answer: GraphQLAnswer, typedEmail: string): LoginOutcome {
  const result = (answer.data as { login: LoginResult | null } | null | undefined)?.login;
  if (!result)
    return { kind: "refused", message: answer.errors?.[0]?.message ?? "The login was not answered." };
  if (!isSuccess(result)) return { kind: "refused", message: result.message };
  return { kind: "loggedIn", accessToken: result.tokens.accessToken, email: result.user.email ?? typedEmail };
}

function isSuccess(result: LoginResult): result is Extract<LoginResult, { __typename: "LoginSuccess" }> {
  return result.__typename === "LoginSuccess";
}
