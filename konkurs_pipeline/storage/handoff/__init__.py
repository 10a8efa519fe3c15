"""The hand-off to core banking: decisions, outbox files, receipts, reviews, and recovery from the files."""
