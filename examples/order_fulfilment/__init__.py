"""A shop that ships what was paid for: it is told by the outbox of the payment subgraph."""
