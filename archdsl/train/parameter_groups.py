"""Freezing, unfreezing and parameter groups of the optimizer."""

from __future__ import annotations

import pkgutil
from typing import Any

import torch
from torch import nn

from archdsl.diagnostics import SpecError, codes
from archdsl.recipe import Optimizer, Recipe
from archdsl.recipe.finetuning import ParameterSettings, covers, first_epoch, labels_of, parameter_settings


def check_labels(module: nn.Module, recipe: Recipe) -> None:
    """Raise `SpecError` E0807 for an unknown label, or if all parameters are frozen."""
    paths = [*(path for path, _ in module.named_modules()), *module.state_dict()]
    for key, label in labels_of(recipe):
        if not any(covers(label, path) for path in paths):
            raise SpecError(codes.training.UnknownPart(key, label, [path for path in paths if path]))
    keys = [key for key, _ in module.named_parameters()]
    if keys and all(first_epoch(recipe, key) is None for key in keys):
        raise SpecError(codes.training.EverythingFrozen())


class ParameterGroups:
    """The parameters of a module with their settings from the recipe."""

    def __init__(self, module: nn.Module, recipe: Recipe) -> None:
        self.module = module
        trainable = [(key, parameter) for key, parameter in module.named_parameters() if parameter.requires_grad]
        self._settings = [(parameter, parameter_settings(recipe, key, parameter.ndim)) for key, parameter in trainable]
        self._norms = [
            (path, first_epoch(recipe, path))
            for path, part in module.named_modules()
            if hasattr(part, "running_mean") and part.training
        ]

    def enter(self, epoch: int) -> None:
        """Freeze and unfreeze parameters for an epoch, counted from 1. Frozen normalizations are in evaluation mode."""
        for parameter, (first, _, _) in self._settings:
            parameter.requires_grad_(first is not None and epoch >= first)
        for path, first in self._norms:  # by path, since `sync_bn` may replace the module
            self.module.get_submodule(path).training = first is not None and epoch >= first

    def groups(self, lr: float, weight_decay: float) -> list[dict[str, Any]]:
        """Return the parameter groups of the optimizer: one per combination of settings, without parameters that stay frozen.

        Parameters that are unfrozen together have their own group: fused `SGD` needs momentum for all of a group or for none.
        """
        by_kind: dict[ParameterSettings, list[nn.Parameter]] = {}
        for parameter, how in self._settings:
            if how.first_epoch is not None:
                by_kind.setdefault(how, []).append(parameter)
        return [
            {"params": parameters, "lr": lr * how.lr, "base_lr": lr * how.lr, "weight_decay": weight_decay * how.weight_decay}
            for how, parameters in by_kind.items()
        ]


def optimizer_of(optimizer: Optimizer, parts: ParameterGroups, *, fused: bool) -> torch.optim.Optimizer:
    """Return the optimizer of a recipe, with a parameter group for each combination of settings."""
    arguments = optimizer.arguments()
    if fused and optimizer.fused:
        arguments["fused"] = True
    groups = parts.groups(optimizer.lr, optimizer.weight_decay)
    if "weight_decay" not in arguments:
        groups = [{key: value for key, value in group.items() if key != "weight_decay"} for group in groups]
    made: torch.optim.Optimizer = pkgutil.resolve_name(optimizer.target)(groups, **arguments)
    return made
