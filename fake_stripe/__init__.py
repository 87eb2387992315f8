"""A small Stripe for development and tests: stateful, faithful to Stripe's documents, faulty on request."""
