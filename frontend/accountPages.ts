import { readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename } from "node:path";

import type { Plugin } from "vite";

const FOLDER = "account";
const FRAME = "src/account/frame.html";

/** The entries of the build: one for each page that mails link to, and that of passkeys. */
export function accountPages(): string[] {
  return readdirSync(FOLDER).map((name) => `${FOLDER}/${name}`);
}

/** Puts what a page in `account/` says, which is its title alone, into the frame that all of them share. */
export function accountFrame(): Plugin {
  return {
    name: "account-frame",
    transformIndexHtml: {
      order: "pre",
      async handler(title, { path }) {
        if (!path.startsWith(`/${FOLDER}/`)) return title;
        return framed(await readFile(FRAME, "utf8"), title, basename(path, ".html"));
      },
    },
  };
}

export function framed(frame: string, title: string, page: string): string {
  return frame.replace("%TITLE%", () => title.trim()).replace("%PAGE%", () => page);
}
