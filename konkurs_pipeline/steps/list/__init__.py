"""The list step: ask for the list, read its items, and leave what was erased."""
