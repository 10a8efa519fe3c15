"""The jobs beside the poll: each with its asset and its schedule."""
