"""What pytest must not import here: programs that run in the environments of the peers."""

collect_ignore = [
    "batched_faust.py",
    "bytewax_flow.py",
    "flink.py",
    "ours.py",
    "plain_faust.py",
    "quix.py",
]
