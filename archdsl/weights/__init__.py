"""Whether stored weights fit a network, and why not: names, shapes and kinds of numbers. Needs no PyTorch."""
