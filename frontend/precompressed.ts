import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";

import type { Plugin } from "vite";

const COMPRESSIBLE = /\.(?:css|html|js|svg|ttf)$/;

// Brotli's two higher qualities take ten times as long, for files a sixteenth smaller.
const QUALITY = 9;

/**
 * Writes `name.gz` and `name.br` beside each built file that they make smaller. The gateway sends them to browsers that
 * take them; it compresses nothing itself.
 */
export function precompressed(): Plugin {
  return {
    name: "precompressed",
    apply: "build",
    writeBundle: {
      order: "post",
      async handler({ dir = "dist" }, bundle) {
        const names = Object.keys(bundle).filter((name) => COMPRESSIBLE.test(name));
        await Promise.all(names.map((name) => writeCompressed(join(dir, name))));
      },
    },
  };
}

async function writeCompressed(file: string): Promise<void> {
  const content = await readFile(file);
  const smaller = (await compressed(content)).filter(({ encoded }) => encoded.length < content.length);
  await Promise.all(smaller.map(({ ending, encoded }) => writeFile(`${file}${ending}`, encoded)));
}

async function compressed(content: Uint8Array): Promise<{ ending: string; encoded: Uint8Array }[]> {
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: QUALITY,
    [constants.BROTLI_PARAM_SIZE_HINT]: content.length,
  };
  return [
    { ending: ".gz", encoded: await promisify(gzip)(content, { level: QUALITY }) },
    { ending: ".br", encoded: await promisify(brotliCompress)(content, { params }) },
  ];
}
