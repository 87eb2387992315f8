"""A subgraph that counts down: something to subscribe to."""
