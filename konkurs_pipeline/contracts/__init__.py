"""The files and messages that other systems read or write, one model for each. The JSON Schemas are made from them."""
