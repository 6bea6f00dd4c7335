"""Run the trials of a sweep: choose a member, judge it, train it in a run folder of its own, and tell Optuna how it went."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from archdsl.diagnostics import Diagnostic, Severity, SpecError, codes
from archdsl.driver import compile_address
from archdsl.input_sizes import InputSizes, parse_sizes
from archdsl.network import Network
from archdsl.optional_dependencies import extra_needed
from archdsl.recipe.metrics import METRICS, best_metric
from archdsl.runs.folder import RUNS
from archdsl.session import Session
from archdsl.spaces import Count, Judge, Space, Verdict, read_space
from archdsl.spaces.counting import no_member
from archdsl.sweeps.claims import Claims, this_machine
from archdsl.sweeps.options import PRUNERS, SAMPLERS, SweepOptions
from archdsl.sweeps.result import SweepResult, best_alias, folder_of, summaries
from archdsl.sweeps.storage import DEFAULT, identity_of, open_study, storage_errors
from archdsl.sweeps.suggestions import Picker, Suggestions
from archdsl.training import require_trainable

if TYPE_CHECKING:
    from filelock import FileLock
    from optuna import Study, Trial
    from optuna.pruners import BasePruner
    from optuna.samplers import BaseSampler
    from optuna.trial import FrozenTrial

    from archdsl.recipe import Recipe

_MOST_EXCLUDED: Final = 5000
"""Combinations in a row that are no members, after which the space is taken as empty."""
_DIVERGED: Final = (codes.training.LossNotFinite, codes.training.FirstLossNotFinite)
"""Errors of a member that say nothing of the others."""
Say = Callable[[str], None]


def sweep(
    address: str,
    *,
    settings: Mapping[str, Any] | None = None,
    trials: int = 20,
    folder: str | os.PathLike[str] | None = None,
    storage: str | None = None,
    study: str | None = None,
    sampler: str = "tpe",
    pruner: str = "median",
    seed: int = 0,
    device: str = "auto",
    sizes: str = "",
) -> SweepResult:
    """Train members of the search space of a network, and return the best one, as `archdsl sweep` does.

    Call it again with the same folder, in this process or in others at the same time, to go on with the same search. Raise
    `SpecError` as `archdsl.load` and `Network.fit` do, E0809 if there is nothing to search, and E0608 without Optuna. Raise
    `archdsl.train.Interrupted` after Ctrl-C or SIGTERM; the trial is resumed by the next call. Raise `ValueError` for an unknown
    sampler or pruner.
    """
    if sampler not in SAMPLERS or pruner not in PRUNERS or trials < 1:
        raise ValueError(
            f"a sampler is one of {', '.join(SAMPLERS)}, a pruner one of {', '.join(PRUNERS)}, trials are at least 1"
        )
    from archdsl.literals import show

    options = SweepOptions(trials, None if folder is None else Path(folder), storage, study, sampler, pruner, seed, device)  # type: ignore[arg-type]
    texts = {
        name: value if name.startswith("train.") and isinstance(value, str) else show(value)
        for name, value in (settings or {}).items()
    }
    return Sweep(address, texts, options, sizes=parse_sizes(sizes) if sizes else ()).run()


class Sweep:
    """A search of one process, which shares its study with those of other processes."""

    def __init__(
        self,
        address: str,
        settings: Mapping[str, str],
        options: SweepOptions,
        *,
        session: Session | None = None,
        sizes: InputSizes = (),
        say: Say = lambda text: None,
        warn: Callable[[Diagnostic], None] = lambda found: None,
    ) -> None:
        self._address, self._settings, self._options = address, settings, options
        self._session, self._sizes = session or Session(), sizes
        self._say, self._warn = say, warn
        self.space: Space = read_space(address, settings, session=self._session, sizes=sizes, recipe_too=True)
        self._judge, self._picker = Judge(self.space), Picker(self.space)
        self.folder = options.folder or RUNS / f"{self.space.name}-sweep"
        self.storage = options.storage or str(self.folder / DEFAULT)

    def run(self) -> SweepResult:
        """Run trials until there are as many as wanted. Raise `SpecError`, or `Interrupted` after a signal."""
        self.prepare()
        self.train_all()
        return self.result()

    def prepare(self) -> None:
        """Look at the data, and open the study. Raise `SpecError` if something does not fit."""
        if self._options.sampler == "grid" and not self._picker.is_finite:
            raise SpecError(codes.searches.NotAGrid(self.space.name).at(self.space.definition.name_span))
        self._epochs = self._recipe().epochs
        higher = METRICS[self.metric].higher
        self._study = study = open_study(
            self.storage, self._options.study or self.space.name, identity_of(self.space, self.metric), higher=higher
        )
        study.pruner = _pruner(self._options.pruner, self._epochs)

    def train_all(self) -> None:
        """Train until there are as many trials as wanted. Raise `SpecError`, or `Interrupted` after a signal."""
        study, claims = self._study, Claims(self.folder)
        with storage_errors(self.storage):
            while (chosen := self._next_trial(study, claims)) is not None:
                trial, lock = chosen
                try:
                    self._train(study, trial)
                finally:
                    lock.release()

    def _recipe(self) -> Recipe:
        """Return the recipe of a member, after a look at its data, which tells the metric that trials are compared by.

        Raise `SpecError` if there is no recipe, or if data and network do not fit.
        """
        network = self._network(self._first_member())
        recipe = require_trainable(network)
        self.metric = best_metric(recipe, network.open_data().labels.kind)
        return recipe

    def _first_member(self) -> dict[str, str]:
        """Return settings with which the network is right: the defaults if they are a member, else one that is drawn."""
        from archdsl.spaces import draw_members

        defaults = compile_address(self._address, self._settings, session=self._session, sizes=self._sizes)
        if defaults.ok or not self.space.dimensions:
            return {}
        return dict(next(iter(draw_members(self.space, self._judge, 1, self._options.seed))).member.texts)

    def _network(self, settings: Mapping[str, str]) -> Network:
        """Return the network of a member. Raise `SpecError` if it has errors."""
        return Network(compile_address(self._address, {**self._settings, **settings}, session=self._session, sizes=self._sizes))

    # -- trials --

    def _next_trial(self, study: Study, claims: Claims) -> tuple[Trial, FileLock] | None:
        """Return a trial to train, left behind or new, with the lock that reserves it; None if there are enough."""
        with claims.one_at_a_time():
            left = self._left_behind(study, claims)
            if left is not None:
                return left
            excluded = 0
            while True:
                trained = sum("settings" in one.user_attrs for one in study.get_trials(deepcopy=False))
                if trained >= self._options.trials:
                    return None
                trial = self._ask(study)
                if trial is None:
                    return None
                member = self._picker.member(Suggestions(trial))
                verdict = self._judge(member)
                if verdict.ok:
                    return self._reserved(trial, verdict, claims)
                _exclude(study, trial, verdict)
                excluded += 1
                if excluded >= _MOST_EXCLUDED:
                    raise self._nothing_found(study, excluded)

    def _reserved(self, trial: Trial, verdict: Verdict, claims: Claims) -> tuple[Trial, FileLock]:
        settings = {**verdict.member.texts, **self._picker.recipe(Suggestions(trial))}
        trial.set_user_attr("settings", settings)
        trial.set_user_attr(
            "counts", {"params": verdict.params, **({"macs": verdict.macs} if isinstance(verdict.macs, int) else {})}
        )
        lock = claims.claim(trial.number)
        assert lock is not None, "no other process knows of a trial before it is reserved"
        return trial, lock

    def _left_behind(self, study: Study, claims: Claims) -> tuple[Trial, FileLock] | None:
        """Return a trial of this machine whose process has ended without a result, reserved for this process."""
        from optuna.trial import Trial, TrialState

        for listed in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            if listed.user_attrs.get("machine") != this_machine() or folder_of(listed, self.folder) != self.folder:
                continue  # its locks are elsewhere
            lock = claims.claim(listed.number)
            if lock is None:
                continue
            frozen = study.get_trials(deepcopy=False)[listed.number]
            if frozen.state != TrialState.RUNNING:  # its process ended it before the lock was free
                lock.release()
                continue
            trial = Trial(study, frozen._trial_id)
            if "settings" in frozen.user_attrs:
                return trial, lock
            study.tell(trial, state=TrialState.FAIL)  # the process ended before it had judged the member
            lock.release()
        return None

    def _ask(self, study: Study) -> Trial | None:
        """Return a new trial; None if all members of a grid are there. Its draws follow from the seed and its number alone."""
        trials = study.get_trials(deepcopy=False)
        study.sampler = _sampler(self._options, len(trials))
        if self._options.sampler == "grid":
            params = next((params for params in self._picker.every() if not any(_covers(one, params) for one in trials)), None)
            if params is None:
                return None
            study.enqueue_trial(params)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a grid is told what to choose before Optuna knows the domains
            trial = study.ask()
        trial.set_user_attr("machine", this_machine())
        trial.set_user_attr("folder", str(self.folder.absolute()))
        return trial

    def _nothing_found(self, study: Study, tried: int) -> SpecError:
        from collections import Counter

        reasons = Counter(one.user_attrs["excluded"] for one in study.get_trials(deepcopy=False) if "excluded" in one.user_attrs)
        return no_member(self.space, Count(self.space.combinations, tried, 0, False, reasons))

    # -- training --

    def _train(self, study: Study, trial: Trial) -> None:
        """Train a member, and tell the study its result. A signal leaves the trial to be resumed."""
        from optuna.trial import TrialState

        settings: dict[str, str] = trial.user_attrs["settings"]
        shown = ", ".join(f"{name} = {text}" for name, text in settings.items())
        folder = self.folder / f"trial-{trial.number}"
        self._say(f"trial {trial.number}: {shown}")
        reported = set(study.trials[trial.number].intermediate_values)
        epochs, pruned = self._epochs, False

        def stop_when(metric: str, row: Mapping[str, Any]) -> bool:
            nonlocal pruned
            value, epoch = row.get(f"val_{self.metric}"), int(row["epoch"])
            if value is not None and epoch not in reported:
                trial.report(value, epoch)
            pruned = epoch < epochs and trial.should_prune()
            return pruned

        try:
            with extra_needed("train", "training"):
                result = self._network(settings).fit(folder, resume=True, device=self._options.device, stop_when=stop_when)
        except SpecError as error:
            found = error.diagnostic
            study.tell(trial, state=TrialState.FAIL)
            failed = codes.searches.TrialFailed(trial.number, shown, f"[{found.code}] {found.message}")
            if not isinstance(found, _DIVERGED):
                raise error.map(lambda one: one.with_notes([f"in trial {trial.number}: {shown}"])) from error
            self._warn(failed.with_severity(Severity.WARNING))
            return
        trial.set_user_attr("best", result.best_value)
        trial.set_user_attr("epoch", result.best_epoch)
        if pruned:
            study.tell(trial, state=TrialState.PRUNED)
        else:
            study.tell(trial, result.best_value)

    def result(self) -> SweepResult:
        """Return what all processes found so far. Raise `SpecError` E0809 if no trial has finished."""
        study = self._study
        trials = summaries(study, self.folder)
        complete = [trial for trial in trials if trial.state == "complete" and trial.value is not None]
        if not complete:
            failed, pruned = (sum(trial.state == state for trial in trials) for state in ("fail", "pruned"))
            raise SpecError(codes.searches.NoTrialFinished(self.space.name, failed, pruned))
        sign = 1 if METRICS[self.metric].higher else -1
        best = max(complete, key=lambda trial: (sign * (trial.value or 0.0), -trial.number))
        counts = study.trials[best.number].user_attrs["counts"]
        excluded = sum("excluded" in one.user_attrs for one in study.get_trials(deepcopy=False))
        return SweepResult(self.metric, self.folder, trials, excluded, best, best_alias(self.space, best.settings, counts))


def _exclude(study: Study, trial: Trial, verdict: Verdict) -> None:
    """Tell the study that a combination is no member, so that the sampler avoids what is like it."""
    from optuna.trial import TrialState

    trial.set_user_attr("excluded", verdict.reason)
    study.tell(trial, state=TrialState.PRUNED)


def _covers(trial: FrozenTrial, params: Mapping[str, Any]) -> bool:
    """Return whether a trial settles a member of a grid. One that was excluded does so for every recipe: it has none."""
    return trial.params == params or ("excluded" in trial.user_attrs and trial.params.items() <= params.items())


def _sampler(options: SweepOptions, number: int) -> BaseSampler:
    """Return the sampler for a trial, whose draws follow from the seed and the number of the trial."""
    from optuna.samplers import RandomSampler, TPESampler

    seed = (options.seed * 1_000_003 + number) % 2**32
    return TPESampler(seed=seed) if options.sampler == "tpe" else RandomSampler(seed=seed)


def _pruner(name: str, epochs: int) -> BasePruner:
    """Return the pruner. The first five trials are trained to their end, and none is stopped after its first epoch."""
    from optuna.pruners import HyperbandPruner, MedianPruner, NopPruner

    if name == "median":
        return MedianPruner(n_startup_trials=5, n_warmup_steps=1)
    return HyperbandPruner(min_resource=1, max_resource=epochs) if name == "hyperband" else NopPruner()
