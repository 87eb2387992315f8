import type { Fetcher, FetcherReturnType } from "@graphiql/toolkit";
import { parse } from "graphql";
import { afterEach, describe, expect, it, vi } from "vitest";

import type { AuthorizationBox } from "./authorizationBox";
import { authorized, createFetcher, isSubscription } from "./gateway";

const OPERATIONS = "query Me { me { id } } subscription Bids { bidPlaced { amount } }";
const EVENTS = 'event: next\ndata: {"data":{"amount":1}}\n\n:\n\nevent: complete\ndata: \n\n';

afterEach(() => vi.unstubAllGlobals());

/** A gateway that answers every request so; gives the requests it got. */
function answering(body: BodyInit, contentType: string, status = 200): Request[] {
  const requests: Request[] = [];
  vi.stubGlobal("fetch", async (input: RequestInfo, init?: RequestInit) => {
    requests.push(new Request(new URL(String(input), "http://gateway"), init));
    return new Response(body, { status, headers: { "content-type": contentType } });
  });
  return requests;
}

function fetcherWith(token: string): Fetcher {
  const box: AuthorizationBox = {
    read: () => ({ text: token, email: null }),
    fill: () => undefined,
    clear: () => undefined,
    subscribe: () => () => undefined,
  };
  return createFetcher(box);
}

function subscribe(fetcher: Fetcher): FetcherReturnType {
  return fetcher({ query: OPERATIONS, operationName: "Bids" }, { documentAST: parse(OPERATIONS) });
}

async function collected(answers: FetcherReturnType): Promise<unknown[]> {
  const found: unknown[] = [];
  for await (const answer of answers as AsyncIterable<unknown>) found.push(answer);
  return found;
}

describe("isSubscription", () => {
  it.each([
    ["Me", false],
    ["Bids", true],
    [undefined, false],
    ["Unknown", false],
  ])("tells for the operation %j", (operationName, expected) => {
    const operation = operationName === undefined ? {} : { operationName };
    expect(isSubscription({ query: OPERATIONS, ...operation }, { documentAST: parse(OPERATIONS) })).toBe(expected);
  });

  it("takes introspection, which comes without a document, for none", () => {
    expect(isSubscription({ query: OPERATIONS }, {})).toBe(false);
    expect(isSubscription({ query: OPERATIONS }, undefined)).toBe(false);
  });
});

describe("a subscription", () => {
  it("is asked for as an event stream, with the box's token, and ends when it completes", async () => {
    const requests = answering(EVENTS, "text/event-stream");

    expect(await collected(subscribe(fetcherWith("abc")))).toEqual([{ data: { amount: 1 } }]);

    expect(requests.map((request) => request.headers.get("accept"))).toEqual(["text/event-stream"]);
    expect(requests[0]?.headers.get("authorization")).toBe("Bearer abc");
    expect(await requests[0]?.json()).toEqual({ query: OPERATIONS, operationName: "Bids" });
  });

  it("says why it was refused, and does not try again", async () => {
    const requests = answering('{"errors":[{"message":"Too many."}]}', "application/json", 503);

    await expect(collected(subscribe(fetcherWith("abc")))).rejects.toThrow("Too many.");
    expect(requests).toHaveLength(1);
  });

  it("hangs up when it is stopped, also while nothing comes", async () => {
    const requests = answering(new ReadableStream(), "text/event-stream");
    const answers = subscribe(fetcherWith("abc")) as AsyncIterableIterator<unknown>;
    void answers.next();
    await vi.waitFor(() => expect(requests).toHaveLength(1));

    await answers.return?.();

    expect(requests[0]?.signal.aborted).toBe(true);
  });
});

describe("authorized", () => {
  it("adds the box's token to a request's headers", () => {
    const headers = authorized({ "content-type": "application/json" }, "Bearer abc");

    expect([...headers]).toEqual([
      ["authorization", "Bearer abc"],
      ["content-type", "application/json"],
    ]);
  });

  it("leaves an Authorization of the headers editor alone", () => {
    expect(authorized({ authorization: "Bearer other" }, "abc").get("Authorization")).toBe("Bearer other");
  });

  it.each(["", "not a tökén"])("adds nothing for %j", (boxText) => {
    expect([...authorized(undefined, boxText)]).toEqual([]);
  });
});
