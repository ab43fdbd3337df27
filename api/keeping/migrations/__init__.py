"""Migrations of the database, run by ``api.keeping.upgrading``."""
