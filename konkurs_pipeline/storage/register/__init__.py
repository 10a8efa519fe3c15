"""The bank's register as the store keeps it: the accepted snapshots, and what is asked of them."""
