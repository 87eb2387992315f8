import react from "@vitejs/plugin-react";
import { defineConfig, loadEnv, type Plugin } from "vite";

import { accountFrame, accountPages } from "./accountPages.ts";
import { precompressed } from "./precompressed.ts";
import { trustedDocuments } from "./trustedDocuments.ts";

const POLICY = [
  "default-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self' data:",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'self'",
];
// It fetches a file from where the user service is reached, which is a setting of that service.
const FETCHES_FROM_ELSEWHERE = "/account/download-data.html";

/**
 * Lets the built pages reach nothing but the server they came from, so that a script from elsewhere can neither
 * load nor carry a token away. Inline styles stay allowed: Monaco lays itself out with them.
 */
function contentSecurityPolicy(): Plugin {
  return {
    name: "content-security-policy",
    // Only in the build: the development server needs an inline script and a socket for hot reloading.
    apply: "build",
    transformIndexHtml(_html, { path }) {
      const policy = path === FETCHES_FROM_ELSEWHERE ? [...POLICY, "connect-src http: https:"] : POLICY;
      const attrs = { "http-equiv": "Content-Security-Policy", content: policy.join("; ") };
      return [{ tag: "meta", attrs, injectTo: "head-prepend" }];
    },
  };
}

export default defineConfig(({ mode }) => {
  const { GATEWAY_PORT = "8000" } = loadEnv(mode, ".", "GATEWAY_");
  return {
    base: "/",
    plugins: [accountFrame(), react(), contentSecurityPolicy(), trustedDocuments(), precompressed()],
    build: {
      rolldownOptions: {
        input: ["graphiql.html", ...accountPages()],
        onLog(level, log, report) {
          // GraphiQL ships the React compiler's "use no memo", which has done its work by the time we bundle it.
          if (log.code !== "MODULE_LEVEL_DIRECTIVE") report(level, log);
        },
      },
      // Monaco alone is larger than the size that Vite warns about; it is one chunk, loaded once and cached.
      chunkSizeWarningLimit: 4000,
    },
    // Workers are served unbundled in development, where a browser cannot load CommonJS packages as they are.
    optimizeDeps: { include: ["graphql-language-service > nullthrows", "monaco-graphql > picomatch-browser"] },
    server: { proxy: { "/graphql": `http://127.0.0.1:${GATEWAY_PORT}` } },
  };
});
