"""Konkursvarsel as Brreg serves it: the client, its certificate, and how answers are read.

Only this package and alerting/ import httpx; only this one imports httpcore. What does not belong here: what notices mean
(domain/) and where answers are kept (storage/).
"""
