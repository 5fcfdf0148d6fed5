"""The tables, a file a concept: columns with their comments, and how a row is made from what it shows."""
