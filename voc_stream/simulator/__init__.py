"""The simulated call centre of a group of car workshops.

A pure generator of messages, without clock or I/O.
"""
