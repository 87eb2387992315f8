// How Hive Gateway runs in these tests: enforcing the supergraph's authorization directives as ours does, passing on
// who asks, and answering with what the subgraphs said.
import { createRemoteJwksSigningKeyProvider, extractFromHeader } from "@graphql-hive/gateway";

const { JWKS_URL, TOKEN_ISSUER, TOKEN_AUDIENCE } = process.env;

export const gatewayConfig = {
  propagateHeaders: {
    fromClientToSubgraphs: ({ request }) => ({ authorization: request.headers.get("authorization") ?? undefined }),
  },
  jwt: {
    signingKeyProviders: [createRemoteJwksSigningKeyProvider({ jwksUri: JWKS_URL })],
    tokenLookupLocations: [extractFromHeader({ name: "authorization", prefix: "Bearer" })],
    tokenVerification: { issuer: TOKEN_ISSUER, audience: TOKEN_AUDIENCE, algorithms: ["ES256"] },
    reject: { missingToken: false, invalidToken: true },
  },
  genericAuth: {
    mode: "protect-granular",
    resolveUserFn: (context) => context.jwt?.payload,
    rejectUnauthenticated: false,
  },
  graphiql: false,
  landingPage: false,
  maskedErrors: false,
};
