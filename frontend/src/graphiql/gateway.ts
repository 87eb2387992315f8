import { createGraphiQLFetcher, type Fetcher } from "@graphiql/toolkit";

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
  return createGraphiQLFetcher({
    url: GATEWAY_URL,
    enableIncrementalDelivery: false,
    fetch: (input, init) => fetch(input, { ...init, headers: authorized(init?.headers, box.read().text) }),
  });
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
