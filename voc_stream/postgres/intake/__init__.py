"""The transaction of a batch.

Positions, events, changed rows and contributions, or none of them.
"""
