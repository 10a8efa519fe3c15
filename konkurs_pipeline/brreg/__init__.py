"""Konkursvarsel as Brreg serves it: the client, its certificate, and how answers are read.

The only place that imports httpx (and httpcore, on which it stands). What does not belong here: what notices
mean (domain/) and where answers are kept (storage/).
"""
