// The composer that schema/package.json pins; or Apollo's, where `APOLLO` names the folder it is installed in.
import { createRequire } from "node:module";
import { join } from "node:path";

export const apollo = process.env.APOLLO;
const require = createRequire(apollo ? join(apollo, "package.json") : new URL("../../../schema/package.json", import.meta.url));
const { composeServices } = require(apollo ? "@apollo/composition" : "@theguild/federation-composition");
const { parse } = require("graphql");

/** Subgraph name -> SDL, as entries; gives `{ supergraph }` or `{ errors }`. */
export function compose(subgraphs) {
  const services = subgraphs.map(([name, sdl]) => ({ name, url: `http://${name}/graphql`, typeDefs: parse(sdl) }));
  const result = composeServices(services);
  return result.errors?.length
    ? { errors: result.errors.map((error) => error.message) }
    : { supergraph: result.supergraphSdl.trim() + "\n" };
}
