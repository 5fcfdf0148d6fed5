"""The evaluator.

Reads facts, lets the rules of voc_stream.alerts decide, and keeps the table `alert`.
"""
