"""Changes what is stored: takes back, moves to another profile, renames, or computes anew."""
