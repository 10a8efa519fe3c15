"""All of Dagster: assets, checks, jobs, schedules, sensors, and the resources they share. Only this package imports dagster.

It wires and decides nothing. What a step does is in steps/; the rules are in domain/.
"""
