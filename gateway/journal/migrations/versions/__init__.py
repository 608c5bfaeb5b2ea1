"""Every revision of the tables, one a file, in the order that they name themselves."""
