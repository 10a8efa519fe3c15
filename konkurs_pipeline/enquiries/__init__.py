"""Questions to the store that change nothing: how things stand, who is bankrupt, what is held, whether all is whole.

They read what runs published, as an analyst does, and so answer while a run is under way. Only `integrity` opens the
ledger, and needs the lock for it. Answers never hold a national identifier.
"""
