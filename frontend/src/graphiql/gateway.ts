import { createGraphiQLFetcher, type Fetcher, type FetcherOpts, type FetcherParams } from "@graphiql/toolkit";
import { getOperationAST } from "graphql";
import { createClient } from "graphql-sse";

import { readAuthorization } from "./authorization";
import type { AuthorizationBox } from "./authorizationBox";

// The page is served by the gateway itself: same origin, so no address to configure and no CORS.
const GATEWAY_URL = "/graphql";

export interface GraphQLAnswer {
  readonly data?: unknown;
  readonly errors?: readonly { readonly message: string }[];
}

/** The request got no GraphQL answer: nobody there, or something else than the gateway. */
export class GatewayUnavailableError extends Error {
  override readonly name = "GatewayUnavailableError";
}

/** GraphiQL's way to the gateway, for operations and introspection alike: each request carries the box's token. */
export function createFetcher(box: AuthorizationBox): Fetcher {
  const answer = createGraphiQLFetcher({
    url: GATEWAY_URL,
    enableIncrementalDelivery: false,
    fetch: (input, init) => fetch(input, { ...init, headers: authorized(init?.headers, box.read().text) }),
  });
  return (operation, options) =>
    isSubscription(operation, options)
      ? events(operation, authorized(options?.headers, box.read().text))
      : answer(operation, options);
}

/** GraphiQL hands over the whole document, which may hold several operations, and the name of the one to run. */
export function isSubscription(operation: FetcherParams, options: FetcherOpts | undefined): boolean {
  if (!options?.documentAST) return false;
  return getOperationAST(options.documentAST, operation.operationName)?.operation === "subscription";
}

/**
 * The events of a subscription until it completes. By server-sent events, since a request can carry a token in a
 * header; a browser's WebSocket cannot. Ends with an error rather than trying again: whoever looks on should know.
 *
 * GraphiQL's stop button calls the iterator's `return` while it waits for the next event. The client's own iterator
 * hangs up then; a generator around it would wait on.
 */
function events({ query, operationName, variables }: FetcherParams, headers: Headers) {
  const named = operationName ? { operationName } : {};
  const client = createClient({
    url: GATEWAY_URL,
    headers: Object.fromEntries(headers),
    retryAttempts: 0,
    fetchFn: acceptedFetch,
  });
  return client.iterate({ query, variables, ...named });
}

/** A request that is refused as a whole is answered in JSON, which says more than the status does. */
async function acceptedFetch(input: RequestInfo, init?: RequestInit): Promise<Response> {
  const response = await fetch(input, init);
  if (!response.ok) throw new GatewayUnavailableError(await response.text());
  return response;
}

/** *headers* with the box's token, unless the headers editor already names another. */
export function authorized(headers: HeadersInit | undefined, boxText: string): Headers {
  const result = new Headers(headers);
  const authorization = readAuthorization(boxText);
  if (authorization.kind === "token" && !result.has("Authorization")) {
    result.set("Authorization", `Bearer ${authorization.token}`);
  }
  return result;
}

/** Asks without a token: for the login form, which must work with a stale one in the box. */
export async function askAnonymously(query: string, variables: object): Promise<GraphQLAnswer> {
  const response = await send(JSON.stringify({ query, variables }));
  try {
    return (await response.json()) as GraphQLAnswer;
  } catch (cause) {
    throw new GatewayUnavailableError(`No GraphQL answer from the gateway (HTTP ${response.status}).`, {
      cause,
    });
  }
}

async function send(body: string): Promise<Response> {
  try {
    return await fetch(GATEWAY_URL, {
      method: "POST",
      headers: {
        "Content-Type": "application/json",
        Accept: "application/graphql-response+json, application/json;q=0.9",
      },
      body,
    });
  } catch (cause) {
    throw new GatewayUnavailableError("The gateway cannot be reached.", { cause });
  }
}
