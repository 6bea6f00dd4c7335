"""From the domains of a space to Optuna's suggestions, and from a trial to the settings of its member."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from archdsl.elaborate.domains import Choices, Domain
from archdsl.elaborate.expressions import Evaluator
from archdsl.elaborate.recipe_domains import Chooser, Place
from archdsl.elaborate.recipes import searched_keys
from archdsl.spaces import Member, Space

if TYPE_CHECKING:
    from optuna import Trial


class Source(Protocol):
    """Where values come from: a trial of Optuna, or an enumeration."""

    def choose(self, name: str, domain: Domain, texts: list[str]) -> Any:
        """Return a value of a domain; `texts` are those of its choices, and empty for a range or an interval."""


class Suggestions:
    """Takes the values from a trial. Choices are known to Optuna by their texts."""

    def __init__(self, trial: Trial) -> None:
        self._trial = trial

    def choose(self, name: str, domain: Domain, texts: list[str]) -> Any:
        """Return what Optuna suggests."""
        trial = self._trial
        if not isinstance(domain, Choices):
            return domain.rounded(trial.suggest_float(name, domain.low, domain.high, log=domain.log))
        if isinstance(domain.values, range):
            values = domain.values
            return trial.suggest_int(name, values[0], values[-1], step=values.step)
        return domain.values[texts.index(trial.suggest_categorical(name, texts))]


class Enumeration:
    """Takes the values by position, and notes how many each domain has: one run of it is one member of a finite space."""

    def __init__(self, positions: list[int]) -> None:
        self.sizes: list[int] = []
        self.params: dict[str, Any] = {}
        self._positions = positions

    def choose(self, name: str, domain: Domain, texts: list[str]) -> Any:
        """Return the value at the next position, the first one beyond those that are given."""
        assert isinstance(domain, Choices)
        at = self._positions[len(self.sizes)] if len(self.sizes) < len(self._positions) else 0
        self.sizes.append(len(domain.values))
        value = domain.values[at]
        self.params[name] = texts[at] if texts else value
        return value


class Picker:
    """Chooses a member of a space and the keys of its recipe."""

    def __init__(self, space: Space) -> None:
        self._space = space
        self._keys = searched_keys(space.module, _of_recipe(space.settings))

    @property
    def is_finite(self) -> bool:
        """Whether there are no intervals of real numbers."""
        domains = [*(one.domain for one in self._space.dimensions), *(place.domain for place in self._space.recipe)]
        return all(isinstance(domain, Choices) for domain in domains)

    def member(self, source: Source) -> Member:
        """Return the member of the architecture's space that a source gives."""
        space = self._space
        return space.member(
            [source.choose(one.name, one.domain, _texts(space, one.domain, n)) for n, one in enumerate(space.dimensions)]
        )

    def recipe(self, source: Source) -> dict[str, str]:
        """Return the keys of the recipe that a source gives, as settings: `{"train.optimizer": "sgd(lr = 0.1)"}`."""

        def pick(place: Place) -> Any:
            domain = place.domain
            listed = isinstance(domain, Choices) and not isinstance(domain.values, range)
            return source.choose(f"train.{place.path}", domain, [str(value) for value in domain.values] if listed else [])  # type: ignore[union-attr]

        chooser = Chooser(Evaluator(self._space.session), self._space.module, pick)
        return {f"train.{key.name}": chooser.text(key.name, key.value) for key in self._keys}

    def every(self) -> Iterator[dict[str, Any]]:
        """Yield the parameters of every trial of a finite space, in the order of the domains."""
        positions: list[int] = []
        while True:
            run = Enumeration(positions)
            self.member(run)
            self.recipe(run)
            yield run.params
            positions = [*positions, *itertools.repeat(0, len(run.sizes) - len(positions))][: len(run.sizes)]
            while positions and positions[-1] + 1 == run.sizes[len(positions) - 1]:
                positions.pop()
            if not positions:
                return
            positions[-1] += 1


def _texts(space: Space, domain: Domain, number: int) -> list[str]:
    """Return the texts of the choices of a dimension; none for a range or an interval."""
    if not isinstance(domain, Choices) or isinstance(domain.values, range):
        return []
    return [space.text(space.dimensions[number], value) for value in domain.values]


def _of_recipe(settings: Mapping[str, str]) -> dict[str, str]:
    return {name.removeprefix("train."): text for name, text in settings.items() if name.startswith("train.")}
