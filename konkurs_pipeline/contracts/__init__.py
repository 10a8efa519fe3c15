"""The files and messages that other systems read or write, one model each: the JSON Schemas come from these models."""
