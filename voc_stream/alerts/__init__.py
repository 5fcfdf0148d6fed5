"""When something is worth an alert, and when it is over.

Pure, over facts that were read from the tables.
"""
