"""The assets of a poll: their table, their factory, what a person sees of each, and the workdays they are partitioned by."""
