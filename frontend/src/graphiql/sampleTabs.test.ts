import { readFileSync } from "node:fs";

import { buildSchema, type GraphQLSchema, type OperationDefinitionNode, parse } from "graphql";
import { describe, expect, it } from "vitest";

import { BLANK_TAB, offerFor, sampleTabs } from "./sampleTabs";

// Of the query editor in a window of 1280 pixels, which is 50 of its characters wide.
const WIDTH = 48;

function onlyOperation(query: string): OperationDefinitionNode {
  const [definition, ...others] = parse(query).definitions;
  if (definition?.kind !== "OperationDefinition" || others.length > 0) throw new Error("not one operation");
  return definition;
}

describe("sampleTabs", () => {
  it("names every operation, since the name is the tab's title", () => {
    expect(sampleTabs("1").map((tab) => onlyOperation(tab.query).name?.value)).toEqual([
      "MeAndMyPayments",
      "LogIn",
      "Pay",
      "Refund",
      "Watch",
    ]);
  });

  it("fills exactly the variables that its operations declare", () => {
    for (const { query, variables = "{}" } of sampleTabs("1")) {
      const declared = onlyOperation(query).variableDefinitions?.map(({ variable }) => variable.name.value);

      expect(Object.keys(JSON.parse(variables) as object)).toEqual(declared);
    }
  });

  it("sends the payer back where it is told to, and nowhere if it is not told", () => {
    const input = (returnUrl?: string) => {
      const payment = sampleTabs("1", returnUrl).find(({ query }) => query.includes("mutation Pay"));
      return (JSON.parse(payment?.variables ?? "{}") as { input: object }).input;
    };

    expect(input("http://127.0.0.1:8000/graphiql")).toMatchObject({
      returnUrl: "http://127.0.0.1:8000/graphiql",
    });
    expect(input()).not.toHaveProperty("returnUrl");
  });

  it("fits its comments into the editor's width", () => {
    const comments = [...sampleTabs("1"), BLANK_TAB].flatMap(({ query }) =>
      query.split("\n").filter((line) => line.startsWith("#")),
    );

    expect(comments.filter((line) => line.length > WIDTH)).toEqual([]);
  });

  it("gives two visitors different idempotency keys", () => {
    const keys = [sampleTabs("a"), sampleTabs("b")]
      .flat()
      .flatMap(({ variables }) => /"(?:pay|refund)-.+"/.exec(variables ?? "") ?? []);

    expect(new Set(keys).size).toBe(4);
  });
});

describe("offerFor", () => {
  const ours = buildSchema(readFileSync("../schema/api.graphql", "utf8"));

  it("has all samples and the login form for the API they were written for", () => {
    expect(offerFor(ours, sampleTabs("1"))).toEqual({
      apiName: "Payments API",
      tabs: sampleTabs("1"),
      hasLogin: true,
    });
  });

  it.each<[string, GraphQLSchema | null]>([
    ["another API", buildSchema("type Query { lot: String } type Mutation { login(name: String): Boolean }")],
    ["an API that is not told", null],
  ])("has one blank tab for %s", (_which, schema) => {
    expect(offerFor(schema, sampleTabs("1"))).toEqual({
      apiName: "GraphQL API",
      tabs: [BLANK_TAB],
      hasLogin: false,
    });
  });

  it("has only those samples that an API understands which has part of ours", () => {
    const users = buildSchema(`
      type Query { me: User }
      type Mutation { login(input: LoginInput!): LoginResult! }
      input LoginInput { email: String! password: String! }
      union LoginResult = LoginSuccess | MfaRequiredError | InvalidCredentialsError
      type LoginSuccess { tokens: Tokens! user: User! }
      type Tokens { accessToken: String! expiresIn: Int! }
      type User { id: ID! email: String }
      interface Error { code: String! message: String! }
      type MfaRequiredError implements Error {
        code: String! message: String! challengeId: ID! methods: [MfaMethod!]! passkeyOptions: String
      }
      enum MfaMethod { TOTP PASSKEY }
      type InvalidCredentialsError implements Error { code: String! message: String! }
    `);

    const { apiName, tabs, hasLogin } = offerFor(users, sampleTabs("1"));

    expect([apiName, tabs.map(({ query }) => onlyOperation(query).name?.value), hasLogin]).toEqual([
      "GraphQL API",
      ["LogIn"],
      true,
    ]);
  });
});
