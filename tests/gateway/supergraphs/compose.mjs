// Composes every folder of subgraph schemas here into one supergraph file beside it:
//   (cd tests/gateway/supergraphs && node compose.mjs [case …])
// Uses the composer that schema/package.json pins (`npm --prefix schema ci`). The results are committed.
//
// Apollo's composer writes other supergraphs out of the same subgraphs. It is not needed to run anything, so nothing
// installs it; where it is at hand, `APOLLO=<folder it is installed in> node compose.mjs [case …]` writes those to apollo/.
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { apollo, compose } from "./composer.mjs";

const here = import.meta.dirname;
const results = apollo ? join(here, "apollo") : here;
const asked = process.argv.slice(2);
const notCases = new Set(["apollo", "random", "first_join", "first_values"]); // the first_s: by hand, and by Federation 1
const folders = readdirSync(here).filter((name) => statSync(join(here, name)).isDirectory() && !notCases.has(name));

mkdirSync(results, { recursive: true });
for (const folder of asked.length ? asked : folders) {
  const files = readdirSync(join(here, folder)).filter((file) => file.endsWith(".graphql"));
  const subgraphs = files.map((file) => [basename(file, ".graphql"), readFileSync(join(here, folder, file), "utf8")]);
  const result = compose(subgraphs);
  if (result.errors) {
    console.error(`${folder}:\n${result.errors.map((error) => `  ${error}`).join("\n")}`);
    process.exitCode = 1;
  } else {
    writeFileSync(join(results, `${folder}.graphql`), result.supergraph);
  }
}
