"""Shows an operator metrics, each declared once, and the health pages."""
