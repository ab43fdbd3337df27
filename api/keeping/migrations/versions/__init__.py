"""One module a migration, each named by its revision."""
