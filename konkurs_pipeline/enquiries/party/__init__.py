"""Questions about one party: is it bankrupt, what is kept on it, and may a trustee ask about its accounts."""
