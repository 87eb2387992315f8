"""The contract between all parts: the subgraph schemas, the supergraph, the clients' API and the error codes."""
