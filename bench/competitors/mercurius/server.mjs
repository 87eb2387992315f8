// Mercurius gateway on Fastify: node server.mjs SUPERGRAPH PORT
// It reads no supergraph but each subgraph's schema, in the words of Federation 1: first_federation/FEDERATION/SUBGRAPH.graphql.
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import mercurius from "@mercuriusjs/gateway";
import Fastify from "fastify";

const [supergraph, port] = process.argv.slice(2);
const schemas = join(import.meta.dirname, "first_federation", basename(supergraph, ".graphql"));
const graphs = readFileSync(supergraph, "utf8").matchAll(/@join__graph\(name: "([^"]+)", url: "([^"]+)"\)/g);
const services = Array.from(graphs, ([, name, url]) => ({
  name,
  url,
  schema: readFileSync(join(schemas, `${name}.graphql`), "utf8"),
}));

const app = Fastify();
app.register(mercurius, { gateway: { services } });
await app.listen({ host: "127.0.0.1", port: Number(port) });
