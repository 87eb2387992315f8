import type { Fetcher, FetcherOpts, FetcherParams } from "@graphiql/toolkit";
import { getOperationAST } from "graphql";

import { readAuthorization } from "./authorization";
import type { AuthorizationBox } from "./authorizationBox";
import type { EventLog } from "./eventLog";
import { answerAbout, ask } from "../gateway";
import { subscribe } from "./subscription";

/**
 * GraphiQL's way to the gateway, for operations and introspection alike: each request carries the box's token. *log*
 * counts the events of the subscription that runs or ran last, until another operation is run.
 */
export function createFetcher(box: AuthorizationBox, log: EventLog): Fetcher {
  return (operation, options) => {
    const headers = authorized(options?.headers, box.read().text);
    const isIntrospection = !options?.documentAST;
    if (!isIntrospection) log.clear();
    if (isSubscription(operation, options)) return subscribe(operation, headers, log);
    return ask(operation, headers).catch(answerAbout);
  };
}

/** GraphiQL hands over the whole document, which may hold several operations, and the name of the one to run. */
export function isSubscription(operation: FetcherParams, options: FetcherOpts | undefined): boolean {
  if (!options?.documentAST) return false;
  return getOperationAST(options.documentAST, operation.operationName)?.operation === "subscription";
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
