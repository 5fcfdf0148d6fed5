"""What pytest must not import here: programs that run in the environments of the peers."""

collect_ignore = ["bytewax_flow.py", "flink_flow.py"]
