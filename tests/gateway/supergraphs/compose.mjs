// Composes every folder of subgraph schemas here into one supergraph file beside it:
//   (cd tests/gateway/supergraphs && node compose.mjs [case …])
// Uses the composer that schema/package.json pins (`npm --prefix schema ci`). The results are committed.
//
// Apollo's composer writes other supergraphs out of the same subgraphs. It is not needed to run anything, so nothing
// installs it; where it is at hand, `APOLLO=<folder it is installed in> node compose.mjs [case …]` writes those to apollo/.
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, join } from "node:path";

const apollo = process.env.APOLLO;
const require = createRequire(apollo ? join(apollo, "package.json") : new URL("../../../schema/package.json", import.meta.url));
const { composeServices } = require(apollo ? "@apollo/composition" : "@theguild/federation-composition");
const { parse } = require("graphql");

const here = import.meta.dirname;
const results = apollo ? join(here, "apollo") : here;
const asked = process.argv.slice(2);
const notCases = new Set(["apollo", "first_join"]); // first_join is written by hand
const folders = readdirSync(here).filter((name) => statSync(join(here, name)).isDirectory() && !notCases.has(name));

mkdirSync(results, { recursive: true });
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
    writeFileSync(join(results, `${folder}.graphql`), result.supergraphSdl.trim() + "\n");
  }
}
