"""Osler's library: everything from a file to a verified answer.

Importing this package is cheap: no model, no index and no torch are loaded until they are used.
"""

__version__ = "0.1.0"
