"""The web page, for people: asking, reading, asking on, reviewing, browsing the sources.

Everything is rendered here, and works without scripts; scripts only save turning pages.
"""
