"""What a sweep found: its trials, and the best member as text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from archdsl.spaces import Space, alias_text

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial


@dataclass(frozen=True)
class TrialSummary:
    """A trial that was trained. `settings` are its member and recipe, as texts; `value` is its best validation metric."""

    number: int
    state: str
    value: float | None
    settings: Mapping[str, str]
    folder: Path


@dataclass(frozen=True)
class SweepResult:
    """The result of a sweep: `trials` were trained, and `excluded` combinations were no members and never trained."""

    metric: str
    folder: Path
    trials: tuple[TrialSummary, ...]
    excluded: int
    best: TrialSummary
    alias: str
    """The best member: `network best = net(24, 4, silu) expect params == ... expect macs == ...`."""

    def count(self, state: str) -> int:
        """Return the number of trials that ended so: `complete`, `pruned` or `fail`."""
        return sum(trial.state == state for trial in self.trials)


def summaries(study: Study, folder: Path) -> tuple[TrialSummary, ...]:
    """Return the trials of a study that were trained."""
    found = []
    for trial in study.get_trials(deepcopy=False):
        settings = trial.user_attrs.get("settings")
        if settings is not None and "excluded" not in trial.user_attrs:
            value = trial.user_attrs.get("best", trial.value)
            place = folder_of(trial, folder) / f"trial-{trial.number}"
            found.append(TrialSummary(trial.number, trial.state.name.lower(), value, settings, place))
    return tuple(found)


def folder_of(trial: FrozenTrial, own: Path) -> Path:
    """Return the folder of the search that a trial belongs to. It is `own`, unless another search shares the storage.

    A folder that is gone was moved, and is `own`, too.
    """
    recorded = Path(trial.user_attrs.get("folder", own))
    return recorded if recorded.is_dir() and not (own.is_dir() and recorded.samefile(own)) else own


def best_alias(space: Space, settings: Mapping[str, str], counts: Mapping[str, int]) -> str:
    """Return the best member as an alias with its claims, under a name that the file does not have yet."""
    own = {name: text for name, text in settings.items() if not name.startswith("train.")}
    name, number = "best", 1
    while name in space.module.definitions or name in space.module.imports:
        number += 1
        name = f"best_{number}"
    return alias_text(space, own, counts, name)
