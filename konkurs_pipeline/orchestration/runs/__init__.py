"""What a run gets and shows: the poll it works on, its names and tags, what it prints, and how a killed run ends."""
