"""The memory that the emitted module takes, to the byte, without running it: see `measure.py`."""
