"""A log as people read it: one HTML page, a Markdown summary, a comparison in the terminal."""
