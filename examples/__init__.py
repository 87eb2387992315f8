"""Little programs around the system: a subgraph to try the gateway with, a receiver of what is told of payments."""
