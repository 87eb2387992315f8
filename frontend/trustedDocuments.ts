import type { Plugin, Rolldown } from "vite";

const FOLDERS = ["account", "graphiql", "login", "passkeys"].map((page) => `src/${page}/operations`);

/**
 * Writes `trusted-documents.json` beside the built pages: the operations they send, letter by letter, each under its
 * SHA-256. A gateway with GATEWAY_TRUSTED_DOCUMENTS answers nothing else.
 */
export function trustedDocuments(): Plugin {
  return {
    name: "trusted-documents",
    apply: "build",
    async generateBundle() {
      const texts = await Promise.all(FOLDERS.map((folder) => operationsIn(folder, this.fs)));
      const source = JSON.stringify(await manifestOf(texts.flat()), null, 2);
      this.emitFile({ type: "asset", fileName: "trusted-documents.json", source: `${source}\n` });
    },
  };
}

async function operationsIn(folder: string, fs: Rolldown.RolldownFsModule): Promise<string[]> {
  const names = (await fs.readdir(folder)).filter((name) => name.endsWith(".graphql")).toSorted();
  return Promise.all(names.map((name) => fs.readFile(`${folder}/${name}`, { encoding: "utf8" })));
}

export async function manifestOf(texts: readonly string[]): Promise<Record<string, string>> {
  const entries = texts.map(async (text) => [await sha256(text), text] as const);
  return Object.fromEntries(await Promise.all(entries));
}

async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
