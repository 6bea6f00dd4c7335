"""Match stored weights to a network by names, shapes and dtypes, without PyTorch."""
