"""Measures as published, on plain values: each module names its source. They import nothing of the project's rest."""
