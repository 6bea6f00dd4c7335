"""Depth made visible: what happens to activations and gradients from layer to layer, measured with PyTorch."""

from archdsl.probing.measurements import Layer, PathLengths, Probe, Stage
from archdsl.probing.picture import draw_probes
from archdsl.probing.probe import Options, probe

__all__ = ["Layer", "Options", "PathLengths", "Probe", "Stage", "draw_probes", "probe"]
