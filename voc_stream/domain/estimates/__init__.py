"""Says how sure the numbers are: intervals, and stated means of few people; pure."""
