"""Sources of examples: opened, described and compared with the network without PyTorch, which takes seconds to import."""

from archdsl.data.inputs import Input
from archdsl.data.labels import IGNORED, Labels
from archdsl.data.opening import AS_IT_IS, Opened, Reading, open_data

__all__ = ["AS_IT_IS", "IGNORED", "Input", "Labels", "Opened", "Reading", "open_data"]
