"""The reference receiver: what core banking must check before it carries out a file, as code that can be run and copied.

It knows the contracts and nothing of the store. What is not here: carrying out an action.
"""
