"""Simulates a call centre: a group of car workshops, or the trade of a catalogue.

It is a pure generator of messages, without clock or I/O.
"""
