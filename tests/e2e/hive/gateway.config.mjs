// How Hive Gateway runs in these tests: passing on who asks, and answering with what the subgraphs said.
export const gatewayConfig = {
  propagateHeaders: {
    fromClientToSubgraphs: ({ request }) => ({ authorization: request.headers.get("authorization") ?? undefined }),
  },
  graphiql: false,
  landingPage: false,
  maskedErrors: false,
};
