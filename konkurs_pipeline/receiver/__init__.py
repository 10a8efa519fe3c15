"""The reference receiver: what core banking must check before it carries out a file, as code to run and copy.

It uses the contracts, not the store. What does not belong here: carrying out an action.
"""
