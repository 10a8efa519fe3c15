"""One pandera model for each stored table: grain, key, units, and a comment for every column.

A new column or table starts here: CONTRIBUTING.md has the steps.
"""
