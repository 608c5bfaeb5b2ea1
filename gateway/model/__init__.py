"""The nouns of the gateway: frozen data without I/O, and the ports. Import from its modules."""
