"""A GraphQL governance gateway: contracts say what, policies say who, this package is how."""

__version__ = "0.1.0"
