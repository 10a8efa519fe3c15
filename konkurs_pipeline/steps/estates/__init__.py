"""The estates step: fold the notices, and keep each new state with its time."""
