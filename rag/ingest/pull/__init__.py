"""Fetching literature into a folder: PubMed records, open-access articles of PMC, records of PubMed's annual files."""
