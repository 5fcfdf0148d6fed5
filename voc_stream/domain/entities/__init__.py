"""Repair orders, complaints and customers.

What each remembers of its events, whatever their order.
"""
