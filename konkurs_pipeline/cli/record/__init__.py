"""Commands that write into the store what a person or another system decided."""
