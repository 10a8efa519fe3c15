"""Commands that compare: the set-up, the service and the store with what they should be."""
