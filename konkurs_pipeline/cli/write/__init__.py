"""Commands that make a file for somebody else."""
