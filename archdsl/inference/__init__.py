"""Finished runs: their preparation of inputs, evaluation and prediction. This package does not depend on the language."""
