"""Questions to the store that change nothing: how things stand, who is bankrupt, what is held, whether all is whole.

They read what runs published, as an analyst does, so they can answer while a run is under way. Only `integrity` opens the
ledger, and needs the lock for it. No answer holds a national identifier, except the page for the person it belongs to
(`party.subject`).
"""
