"""Osler for clients of the Model Context Protocol (https://modelcontextprotocol.io), over the official SDK."""
