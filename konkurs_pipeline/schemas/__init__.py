"""One pandera model for each stored table: grain, key, units, and a comment for every column."""
