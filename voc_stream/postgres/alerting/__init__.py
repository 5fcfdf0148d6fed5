"""Evaluates alerts.

Reads facts, lets the rules of voc_stream.alerts decide, and keeps the table of alerts.
"""
