"""Decides when something is worth an alert, and when it is over.

It is pure, over facts that were read from the tables.
"""
