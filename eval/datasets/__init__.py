"""Loaders of public evaluation sets, one module each; nothing is downloaded. See ``catalogue`` for all by name."""
