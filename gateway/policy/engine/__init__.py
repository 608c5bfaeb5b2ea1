"""What decides: rules under an index, roles as dicts, matchers as closures; and Casbin."""
