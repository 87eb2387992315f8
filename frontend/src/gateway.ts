// The page is served by the gateway itself: same origin, so no address to configure and no CORS.
export const GATEWAY_URL = "/graphql";

export interface GraphQLAnswer {
  readonly data?: unknown;
  readonly errors?: readonly GraphQLError[];
}

export interface GraphQLError {
  readonly message: string;
  readonly extensions?: { readonly code?: string };
}

/** The request got no GraphQL answer: nobody there, or something else than the gateway. Its message is for users. */
export class GatewayUnavailableError extends Error {
  override readonly name = "GatewayUnavailableError";
}

/** Asks for the answer to an operation: as the owner of *token*, or as nobody. */
export type Ask = (query: string, variables: object, token?: string) => Promise<GraphQLAnswer>;

/** Leaves the browser's cookie as it is. What is asked reaches the gateway even if the page is left meanwhile. */
export const askBesideTheCookie: Ask = (query, variables, token) =>
  ask({ query, variables }, authorization(token), { keepalive: true });

/**
 * Asks for a login, or to go on with one or end it: with *token* or, as the login form must work with a stale one in
 * the box, without. The refresh token travels in a cookie that no script can read. The header asks for that; a page
 * of another site cannot send it.
 */
export const askAboutLogin: Ask = (query, variables, token) => {
  const headers = authorization(token);
  headers.set("X-Refresh-Token", "cookie");
  return ask({ query, variables }, headers);
};

function authorization(token: string | undefined): Headers {
  return new Headers(token === undefined ? {} : { Authorization: `Bearer ${token}` });
}

export async function ask(request: object, headers: Headers, init?: RequestInit): Promise<GraphQLAnswer> {
  headers.set("Content-Type", "application/json");
  if (!headers.has("Accept")) headers.set("Accept", "application/json");
  return answerIn(await reach(GATEWAY_URL, { ...init, method: "POST", headers, body: JSON.stringify(request) }));
}

/** `fetch`, which else has only the browser's own words for a server that is not there. */
export async function reach(input: RequestInfo, init?: RequestInit): Promise<Response> {
  try {
    return await fetch(input, init);
  } catch (cause) {
    const advice = `Is it running at ${location.origin}? Once it is, try again.`;
    throw new GatewayUnavailableError(`The gateway does not answer. ${advice}`, { cause });
  }
}

export async function answerIn(response: Response): Promise<GraphQLAnswer> {
  try {
    return (await response.json()) as GraphQLAnswer;
  } catch (cause) {
    throw new GatewayUnavailableError(`No GraphQL answer from the gateway (HTTP ${response.status}).`, {
      cause,
    });
  }
}

/** *failure* as an answer, which GraphiQL shows as it is; to an error it would add the stack of a minified bundle. */
export function answerAbout(failure: unknown): GraphQLAnswer {
  if (failure instanceof GatewayUnavailableError) return { errors: [{ message: failure.message }] };
  throw failure;
}
