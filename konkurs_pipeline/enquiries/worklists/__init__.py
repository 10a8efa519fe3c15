"""The rows that wait for a person: held BLOCKs, open REVIEWs, and the rows an alarm speaks of."""
