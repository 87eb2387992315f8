import type { Fetcher } from "@graphiql/toolkit";
import { buildClientSchema, getIntrospectionQuery, type GraphQLSchema, type IntrospectionQuery } from "graphql";

/**
 * The API's schema, or null where the gateway does not tell it; and *fetcher* with a memory of that one answer, so that
 * GraphiQL, which asks the same when it begins, is not sent for it again.
 */
export function introspected(fetcher: Fetcher): { schema: Promise<GraphQLSchema | null>; fetcher: Fetcher } {
  const query = getIntrospectionQuery();
  const answer = Promise.resolve(fetcher({ query, operationName: "IntrospectionQuery" }));
  let isHandedOn = false;
  return {
    // What fails here fails GraphiQL as well, which shows it.
    schema: answer.then(schemaIn).catch(() => null),
    fetcher(operation, options) {
      if (isHandedOn || operation.query !== query) return fetcher(operation, options);
      isHandedOn = true;
      return answer as ReturnType<Fetcher>;
    },
  };
}

function schemaIn(answer: unknown): GraphQLSchema | null {
  const { data } = answer as { data?: IntrospectionQuery | null };
  return data ? buildClientSchema(data) : null;
}
