"""What an operator sees: metrics, each declared once, and the health pages."""
