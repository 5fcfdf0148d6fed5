"""Takes a batch into the tables in one transaction.

The transaction holds positions, events, changed rows and contributions, or none of them.
"""
