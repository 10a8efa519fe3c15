"""The only place that imports dagster: assets, checks, partitions, job, schedules, and the resource they share.

Wiring only. What a step does is in steps/; what it decides is in domain/.
"""
