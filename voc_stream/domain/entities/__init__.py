"""Folds repair orders, complaints and customers.

Each entity remembers what later events still need, whatever the order of its events.
"""
