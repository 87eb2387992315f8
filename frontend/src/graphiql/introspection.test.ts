import type { Fetcher, FetcherParams } from "@graphiql/toolkit";
import { buildSchema, getIntrospectionQuery, graphqlSync } from "graphql";
import { describe, expect, it } from "vitest";

import { introspected } from "./introspection";

const SCHEMA = buildSchema("type Query { lot: String }");
const INTROSPECTION = { query: getIntrospectionQuery(), operationName: "IntrospectionQuery" };

/** A gateway that answers every operation so; gives what it was asked. */
function answering(answer: unknown): { asked: FetcherParams[]; fetcher: Fetcher } {
  const asked: FetcherParams[] = [];
  return {
    asked,
    fetcher: async (operation) => {
      asked.push(operation);
      if (answer instanceof Error) throw answer;
      return answer as object;
    },
  };
}

describe("introspected", () => {
  it("reads the schema", async () => {
    const { fetcher } = answering(graphqlSync({ schema: SCHEMA, source: getIntrospectionQuery() }));

    const schema = await introspected(fetcher).schema;

    expect(Object.keys(schema?.getQueryType()?.getFields() ?? {})).toEqual(["lot"]);
  });

  it.each([
    ["introspection is off", { errors: [{ message: "Introspection is off." }] }],
    ["the answer makes no schema", { data: { __schema: {} } }],
    ["nothing comes", new TypeError("Failed to fetch")],
  ])("has none when %s", async (_why, answer) => {
    expect(await introspected(answering(answer).fetcher).schema).toBeNull();
  });

  it("spares GraphiQL the first time of asking, and only that", async () => {
    const { asked, fetcher: gateway } = answering({ data: { __schema: {} } });
    const { fetcher } = introspected(gateway);

    expect(await fetcher(INTROSPECTION)).toEqual({ data: { __schema: {} } });
    expect(asked).toHaveLength(1);
    await fetcher({ query: "{ lot }" });
    await fetcher(INTROSPECTION);

    expect(asked.map(({ query }) => query)).toEqual([INTROSPECTION.query, "{ lot }", INTROSPECTION.query]);
  });
});
