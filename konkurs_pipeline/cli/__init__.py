"""The `konkurs` command: argument → one call → print. No rule and no SQL is here."""
