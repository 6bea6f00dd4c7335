"""What the labels of a data set are; for those who know of training alone."""

from archdsl.data import IGNORED, Labels

__all__ = ["IGNORED", "Labels"]
