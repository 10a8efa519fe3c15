"""The expanded dataset: where its fields stand, and the proposal of a map for one of another shape."""
