"""The bank's register of customers and accounts: reading the files, judging them, accepting a snapshot."""
