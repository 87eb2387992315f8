// Composes every folder of subgraph schemas here into one supergraph file beside it:
//   (cd tests/gateway/supergraphs && node compose.mjs [case …])
// Uses the composer that schema/package.json pins (`npm --prefix schema ci`). The results are committed.
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, join } from "node:path";

const require = createRequire(new URL("../../../schema/package.json", import.meta.url));
const { composeServices } = require("@theguild/federation-composition");
const { parse } = require("graphql");

const here = import.meta.dirname;
const asked = process.argv.slice(2);
const writtenByHand = new Set(["first_join"]);
const folders = readdirSync(here).filter((name) => statSync(join(here, name)).isDirectory() && !writtenByHand.has(name));

for (const folder of asked.length ? asked : folders) {
  const files = readdirSync(join(here, folder)).filter((file) => file.endsWith(".graphql"));
  const services = files.map((file) => ({
    name: basename(file, ".graphql"),
    url: `http://${basename(file, ".graphql")}/graphql`,
    typeDefs: parse(readFileSync(join(here, folder, file), "utf8")),
  }));
  const result = composeServices(services);
  if (result.errors?.length) {
    console.error(`${folder}:\n${result.errors.map((error) => `  ${error.message}`).join("\n")}`);
    process.exitCode = 1;
  } else {
    writeFileSync(join(here, `${folder}.graphql`), result.supergraphSdl.trim() + "\n");
  }
}
