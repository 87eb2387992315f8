// Subscribes as a program of its own would: node subscribe.mjs sse|ws ADDRESS OPERATION
// Says in a line of JSON what it is told: {"connected": true}, {"next": …}, {"complete": true} or {"error": …}.
import { createClient as createSseClient } from "graphql-sse";
import { createClient as createWsClient } from "graphql-ws";
import WebSocket from "ws";

const [protocol, url, query] = process.argv.slice(2);
const authorization = "Bearer ann";

const say = (line) => console.log(JSON.stringify(line));
const pause = () => new Promise((resolve) => setTimeout(resolve, 200));
const on = { connected: () => say({ connected: true }) };

const clients = {
  sse: () => createSseClient({ url, headers: { authorization }, retryAttempts: 100, retry: pause, on }),
  ws: () =>
    createWsClient({
      url: url.replace("http", "ws"),
      connectionParams: { authorization },
      webSocketImpl: WebSocket,
      retryAttempts: 100,
      retryWait: pause,
      // Also while nobody listens at the address: without it only a WebSocket that was closed is opened anew.
      shouldRetry: () => true,
      on,
    }),
};

const client = clients[protocol]();
client.subscribe(
  { query },
  {
    next: (result) => say({ next: result }),
    error: (error) => say({ error: error.message ?? error }),
    complete: () => {
      say({ complete: true });
      client.dispose();
    },
  },
);
