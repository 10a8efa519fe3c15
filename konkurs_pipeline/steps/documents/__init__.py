"""The documents step: which expanded datasets a poll asks for, and fetching them."""
