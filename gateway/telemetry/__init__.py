"""What the gateway counts, measures and logs. Nothing here knows HTTP or GraphQL."""
