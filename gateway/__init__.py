"""A Federation 2 gateway: one GraphQL API in front of any composed supergraph."""
