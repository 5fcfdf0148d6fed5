"""Simulates the call centre of a group of car workshops.

It is a pure generator of messages, without clock or I/O.
"""
