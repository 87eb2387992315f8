"""Little subgraphs to try the gateway with."""
