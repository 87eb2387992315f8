import type { FetcherParams } from "@graphiql/toolkit";
import { createClient, NetworkError } from "graphql-sse";

import type { EventCounter, EventLog } from "./eventLog";
import { answerAbout, answerIn, GATEWAY_URL, type GraphQLAnswer, reach } from "../gateway";

const INTERRUPTED: GraphQLAnswer = {
  errors: [{ message: "The gateway ended the connection before the subscription was complete. Run it again." }],
};

/**
 * The events of a subscription until it completes. By server-sent events, since a request can carry a token in a
 * header; a browser's WebSocket cannot. Ends rather than trying again: whoever looks on should know.
 */
export function subscribe(
  { query, operationName, variables }: FetcherParams,
  headers: Headers,
  log: EventLog,
): AsyncIterableIterator<GraphQLAnswer> {
  const named = operationName ? { operationName } : {};
  let counter: EventCounter | null = null;
  const client = createClient({
    url: GATEWAY_URL,
    headers: Object.fromEntries(headers),
    retryAttempts: 0,
    fetchFn: (input: RequestInfo, init?: RequestInit) =>
      fetchEvents(input, init, () => {
        counter = log.open(operationName ?? "Subscription");
      }),
  });
  const answers = client.iterate({ query, variables, ...named }) as AsyncGenerator<GraphQLAnswer>;
  return endingInAnAnswer(answers, () => counter);
}

/** What comes in one piece, a refusal or the news that nobody is there, comes as the only event. */
async function fetchEvents(
  input: RequestInfo,
  init: RequestInit | undefined,
  onOpen: () => void,
): Promise<Response> {
  try {
    const response = await reach(input, init);
    if (!response.ok) return onlyEvent(await answerIn(response));
    onOpen();
    return response;
  } catch (failure) {
    return onlyEvent(answerAbout(failure));
  }
}

function onlyEvent(answer: GraphQLAnswer): Response {
  return new Response(`event: next\ndata: ${JSON.stringify(answer)}\n\nevent: complete\ndata: \n\n`);
}

/**
 * The same answers, counted, and one more if the connection breaks: for an error, GraphiQL would show its stack.
 *
 * GraphiQL's stop button calls `return` while `next` waits for an event. The client hangs up then, and `next` comes
 * back; a generator around it would wait on.
 */
function endingInAnAnswer(
  answers: AsyncGenerator<GraphQLAnswer>,
  counter: () => EventCounter | null,
): AsyncIterableIterator<GraphQLAnswer> {
  return {
    async next() {
      try {
        const result = await answers.next();
        if (result.done) counter()?.close();
        else counter()?.count(new Date());
        return result;
      } catch (error) {
        counter()?.close();
        if (error instanceof NetworkError) return { done: false, value: INTERRUPTED };
        throw error;
      }
    },
    return() {
      counter()?.close();
      return answers.return(undefined);
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
