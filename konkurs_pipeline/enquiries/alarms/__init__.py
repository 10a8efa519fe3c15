"""What needs a person now: one function for each kind of alarm, and `looks`, which calls them all."""
