"""Runs child processes: started with a log and a port, watched, and never left behind."""
