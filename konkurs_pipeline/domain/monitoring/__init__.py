"""What can need a person: the alarms, the quarters of the day, and how many notices are normal."""
