"""A simulated Enhetsregisteret: its units, and the search that serves them."""
