"""Commands that only read the store and print what it says."""
