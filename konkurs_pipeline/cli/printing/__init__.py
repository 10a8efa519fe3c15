"""How results and progress are printed for a person."""
