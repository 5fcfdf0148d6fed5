"""Declares rules about what customers experience: what they tell, or no longer tell."""
