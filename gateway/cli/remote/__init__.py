"""Commands that talk to a running gateway: one more client of its public GraphQL API."""
