"""What changes after it was stored.

Taken back, moved to another profile, renamed, or computed anew.
"""
