"""The evidence of one case, and the page that shows it: what the bank knew when, what it did, and how to check that.

`gathering` reads the store and makes a `facts.Case`; `clock` and `summary` put it into words; `page` fills the template. Only
`gathering`, `cases`, `proofs` and `sightings` read anything; the rest is pure.
"""
