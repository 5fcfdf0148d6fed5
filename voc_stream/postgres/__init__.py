"""What is kept: tables, migrations, the transaction of a batch, the upkeep of rolling tables. The only place that speaks SQL."""
