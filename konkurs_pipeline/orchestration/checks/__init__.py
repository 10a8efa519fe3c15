"""Asset checks: how the result of a rule becomes one of Dagster's, and the alarms as checks."""
