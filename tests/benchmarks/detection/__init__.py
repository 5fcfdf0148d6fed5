"""How fast a drop in scores is found, and how often one is found that is none."""
