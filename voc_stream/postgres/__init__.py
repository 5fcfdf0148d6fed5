"""What is kept: tables, migrations, the transaction of a batch, and what keeps them fresh.

The only place that speaks SQL.
"""
