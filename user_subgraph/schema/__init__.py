"""The GraphQL schema: it only translates between the API's words and ours."""
