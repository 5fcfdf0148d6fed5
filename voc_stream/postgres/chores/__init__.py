"""Does the chores of the store, beside the stream.

Each chore that is more than one call has a file.
"""
