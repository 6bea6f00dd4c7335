"""Split off a validation set, stratified by class, and the same in every run.

The result equals that of scikit-learn's `train_test_split(..., stratify=classes)`, which takes 0.7 s to import;
a test compares them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from archdsl.diagnostics import SpecError, codes


def hold_out(
    count: int, classes: Any | None, held_out: int | None, seed: int, help: str, names: tuple[str, ...] | None = None
) -> tuple[Any, Any]:
    """Return the numbers of the training examples and of the held-out examples, by default a fifth.

    Raise `SpecError` E0802 if there are too few.
    """
    wanted = max(1, count // 5) if held_out is None else held_out
    if count == 1:
        raise SpecError(codes.data.OneExample())
    if classes is None:
        order = np.random.RandomState(seed).permutation(count)
        return order[wanted:], order[:wanted]
    numbers, sizes = np.unique(classes, return_counts=True)
    if sizes.min() == 1:
        name = f"`{names[numbers[sizes.argmin()]]}`" if names else numbers[sizes.argmin()]
        raise SpecError(codes.data.ClassOfOne(str(name), help))
    if wanted < len(sizes):
        raise SpecError(codes.data.FewerThanClasses(count, wanted, len(sizes), help))
    return _stratified(classes, sizes, count - wanted, wanted, np.random.RandomState(seed))


def _stratified(classes: Any, sizes: Any, train: int, held_out: int, random: Any) -> tuple[Any, Any]:
    """Draw from each class in proportion to its size."""
    members = np.split(np.argsort(np.unique(classes, return_inverse=True)[1], kind="mergesort"), np.cumsum(sizes)[:-1])
    to_train = _shares(sizes, train, random)
    to_hold = _shares(sizes - to_train, held_out, random)
    parts: tuple[list[Any], list[Any]] = ([], [])
    for own, first, second in zip(members, to_train, to_hold, strict=True):
        shuffled = own.take(random.permutation(len(own)), mode="clip")
        parts[0].append(shuffled[:first])
        parts[1].append(shuffled[first : first + second])
    return random.permutation(np.concatenate(parts[0])), random.permutation(np.concatenate(parts[1]))


def _shares(sizes: Any, wanted: int, random: Any) -> Any:
    """Return the number of examples to take of each class, rounded by largest remainder; ties are broken at random."""
    exact = sizes / sizes.sum() * wanted
    shares = np.floor(exact)
    left = int(wanted - shares.sum())
    remainders = exact - shares
    for value in np.sort(np.unique(remainders))[::-1] if left > 0 else ():
        (tied,) = np.where(remainders == value)
        chosen = random.choice(tied, size=min(len(tied), left), replace=False)
        shares[chosen] += 1
        left -= len(chosen)
        if left == 0:
            break
    return shares.astype(int)
