"""The figures of a period, as a page for a manager and an auditor, and as text for Prometheus.

`figures` reads the store; `charts` draws; `page` fills the template; `metrics` writes text. No figure holds an identifier.
"""
