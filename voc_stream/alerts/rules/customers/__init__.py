"""Rules about customers who are likely to leave."""
