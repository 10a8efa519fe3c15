"""Copies of the store: the rehearsal of a run, and what killed commands left."""
