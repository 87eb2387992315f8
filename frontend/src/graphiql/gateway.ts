// The page is served by the gateway itself: same origin, so no address to configure and no CORS.
export const GATEWAY_URL = "/graphql";

export interface GraphQLAnswer {
  readonly data?: unknown;
  readonly errors?: readonly { readonly message: string }[];
}

/** The request got no GraphQL answer: nobody there, or something else than the gateway. Its message is for users. */
export class GatewayUnavailableError extends Error {
  override readonly name = "GatewayUnavailableError";
}

/** Asks without a token: for the login form, which must work with a stale one in the box. */
export function askAnonymously(query: string, variables: object): Promise<GraphQLAnswer> {
  return ask({ query, variables }, new Headers());
}

export async function ask(request: object, headers: Headers): Promise<GraphQLAnswer> {
  headers.set("Content-Type", "application/json");
  if (!headers.has("Accept")) headers.set("Accept", "application/json");
  return answerIn(await reach(GATEWAY_URL, { method: "POST", headers, body: JSON.stringify(request) }));
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
