"""What needs a person now: one function for each kind of alarm, and `raised`, which calls them all."""
