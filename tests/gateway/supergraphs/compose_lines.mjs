// Composes as often as it is asked: a line of JSON in, `[[name, SDL], …]`; one out, `{ supergraph }` or `{ errors }`.
import { createInterface } from "node:readline";
import { compose } from "./composer.mjs";

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(JSON.stringify(tried(JSON.parse(line))) + "\n");
}

function tried(subgraphs) {
  try {
    return compose(subgraphs);
  } catch (error) {
    return { errors: [`The composer failed: ${error.message}`] };
  }
}
