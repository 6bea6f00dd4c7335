"""Networks as files for other runtimes, each compared with the network before it is written."""
