"""What changes after it was stored: taken back, moved to another profile, renamed, or computed anew."""
