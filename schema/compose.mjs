// Composes subgraph schemas into one supergraph:
//   node schema/compose.mjs users=http://127.0.0.1:8001/graphql payments=http://127.0.0.1:8002/graphql > schema/supergraph.graphql
// The schema of subgraph NAME is read from NAME.graphql in this folder, or in the one that SCHEMA_DIR names. The URL
// is only a default: a gateway may be told another one for each subgraph.
// When the schemas do not fit together, every reason is printed and the exit status is 1.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { assertCompositionSuccess, composeServices } from "@theguild/federation-composition";
import { parse } from "graphql";

const folder = process.env.SCHEMA_DIR ?? import.meta.dirname;

const services = process.argv.slice(2).map((argument) => {
  const [name, url] = argument.split(/=(.*)/s);
  return { name, url, typeDefs: parse(readFileSync(join(folder, `${name}.graphql`), "utf8")) };
});

const result = composeServices(services);
try {
  assertCompositionSuccess(result);
} catch {
  for (const error of result.errors) console.error(`${error.extensions?.code ?? "ERROR"}: ${error.message}`);
  process.exit(1);
}
process.stdout.write(result.supergraphSdl.trim() + "\n");
