"""GraphQL over HTTP and Server-Sent Events."""
