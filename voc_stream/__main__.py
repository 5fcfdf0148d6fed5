"""`python -m voc_stream` is the command `voc-stream`."""

from voc_stream.cli import main

if __name__ == "__main__":
    main(prog_name="voc-stream")
