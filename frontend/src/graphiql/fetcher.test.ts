import type { Fetcher, FetcherReturnType } from "@graphiql/toolkit";
import { parse } from "graphql";
import { afterEach, describe, expect, it, vi } from "vitest";

import type { AuthorizationBox } from "./authorizationBox";
import { createEventLog } from "./eventLog";
import { authorized, createFetcher, isSubscription } from "./fetcher";

const OPERATIONS = "query Me { me { id } } subscription Bids { bidPlaced { amount } }";
const EVENTS = 'event: next\ndata: {"data":{"amount":1}}\n\n:\n\nevent: complete\ndata: \n\n';

afterEach(() => vi.unstubAllGlobals());

/** No gateway at all, to a page that was loaded from one. */
function gone(): void {
  vi.stubGlobal("location", new URL("http://gateway:8000/graphiql"));
  vi.stubGlobal("fetch", () => Promise.reject(new TypeError("Failed to fetch")));
}

/** A gateway that answers every request so; gives the requests it got. */
function answering(body: BodyInit, contentType: string, status = 200): Request[] {
  const requests: Request[] = [];
  vi.stubGlobal("fetch", async (input: RequestInfo, init?: RequestInit) => {
    requests.push(new Request(new URL(String(input), "http://gateway"), init));
    return new Response(body, { status, headers: { "content-type": contentType } });
  });
  return requests;
}

function fetcherWith(token: string, log = createEventLog()): Fetcher {
  const box: AuthorizationBox = {
    read: () => ({ text: token, email: null }),
    fill: () => undefined,
    clear: () => undefined,
    subscribe: () => () => undefined,
  };
  return createFetcher(box, log);
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

const GONE = {
  errors: [
    {
      message:
        "The gateway does not answer. Is it running at http://gateway:8000? Once it is, try again.",
    },
  ],
};

describe("a query", () => {
  const ask = () => fetcherWith("abc")({ query: OPERATIONS, operationName: "Me" }, { documentAST: parse(OPERATIONS) });

  it("is posted with the box's token, and its answer shown as it comes", async () => {
    const requests = answering('{"data":{"me":null}}', "application/json");

    expect(await ask()).toEqual({ data: { me: null } });

    expect(requests.map((request) => [request.method, request.headers.get("authorization")])).toEqual([
      ["POST", "Bearer abc"],
    ]);
    expect(await requests[0]?.json()).toEqual({ query: OPERATIONS, operationName: "Me" });
  });

  it("says that the gateway is gone", async () => {
    gone();

    expect(await ask()).toEqual(GONE);
  });

  it("says that something else answers in the gateway's place", async () => {
    answering("<h1>Bad Gateway</h1>", "text/html", 502);

    expect(await ask()).toEqual({
      errors: [{ message: "No GraphQL answer from the gateway (HTTP 502)." }],
    });
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

  it("has its events counted, up to its end and until something else is run", async () => {
    const log = createEventLog();
    const fetcher = fetcherWith("abc", log);
    answering(EVENTS, "text/event-stream");

    await collected(subscribe(fetcher));

    expect(log.read()).toMatchObject({ operationName: "Bids", count: 1, isOpen: false });
    answering('{"data":{"me":null}}', "application/json");
    await fetcher({ query: "{ __schema { description } }" });
    expect(log.read()).not.toBeNull();
    await fetcher({ query: OPERATIONS, operationName: "Me" }, { documentAST: parse(OPERATIONS) });
    expect(log.read()).toBeNull();
  });

  it("has no events to count when it is refused", async () => {
    const log = createEventLog();
    answering('{"errors":[]}', "application/json", 503);

    await collected(subscribe(fetcherWith("abc", log)));

    expect(log.read()).toBeNull();
  });

  it("shows the refusal as it came, and does not try again", async () => {
    const refusal = { errors: [{ message: "Too many.", extensions: { code: "TOO_MANY_SUBSCRIPTIONS" } }] };
    const requests = answering(JSON.stringify(refusal), "application/json", 503);

    expect(await collected(subscribe(fetcherWith("abc")))).toEqual([refusal]);
    expect(requests).toHaveLength(1);
  });

  it("says that it was interrupted, after what came before", async () => {
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const stream = writable.getWriter();
    answering(readable, "text/event-stream");
    const answers = subscribe(fetcherWith("abc")) as AsyncIterableIterator<unknown>;

    void stream.write(new TextEncoder().encode('event: next\ndata: {"data":{"amount":1}}\n\n'));
    expect(await answers.next()).toEqual({ done: false, value: { data: { amount: 1 } } });
    void stream.abort(new TypeError("network error"));

    expect(await collected(answers)).toEqual([
      { errors: [{ message: expect.stringContaining("before the subscription was complete") }] },
    ]);
  });

  it("says that the gateway is gone", async () => {
    gone();

    expect(await collected(subscribe(fetcherWith("abc")))).toEqual([GONE]);
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
