"""Pieces of a scene in the making, and which of them are drawn as one: equal calls in a row."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass, replace

from archdsl.backends.viewer.model import Part
from archdsl.ir import Call, Node, Value


@dataclass(slots=True, eq=False)
class Piece:
    """A part with the values of the graph that it takes and makes, and the nodes that it stands for."""

    part: Part
    takes: tuple[Value, ...] = ()
    makes: tuple[Value, ...] = ()
    nodes: tuple[Node, ...] = ()
    family: str = ""


def equal_calls(pieces: Sequence[Piece], shared: Container[Node]) -> list[Piece]:
    """Return the pieces with runs of equal calls as one each.

    The calls of a run have one function and one place in the text. Each takes what the one before it makes, in the same way, or
    the same values from before the run; nothing else takes what is made in between.
    """
    found: list[Piece] = []
    at = 0
    while at < len(pieces):
        run = [pieces[at]]
        way = None
        for piece in pieces[at + 1 :]:
            entered = _way_in(run[-1], piece, shared)
            if entered is None or way not in (None, entered):
                break
            way = entered
            run.append(piece)
        found.append(_one(run))
        at += len(run)
    return found


def _way_in(one: Piece, other: Piece, shared: Container[Node]) -> tuple[int | None, ...] | None:
    """Return which output of a call each input of the next one is, None for what both take; None if they are not of one run."""
    first, second = one.nodes[-1], other.nodes[0]
    if not isinstance(first, Call) or not isinstance(second, Call) or first in shared or second in shared:
        return None
    alike = first.callee is second.callee and first.span == second.span and first.usage is second.usage
    if not alike or one.family != other.family or not first.callee.outputs:
        return None
    if other.part.first != one.part.first + one.part.ops:
        return None  # something runs in between
    if any(value.is_output or value.users != [second] for value in first.outputs if value.uses):
        return None
    way = tuple([first.outputs.index(value) if value in first.outputs else None for value in second.inputs])
    same = all(at is not None or first.inputs[i] is second.inputs[i] for i, at in enumerate(way))
    return way if same and any(at is not None for at in way) else None


def _one(run: list[Piece]) -> Piece:
    first, last = run[0], run[-1]
    if len(run) == 1:
        return first
    path = ".".join([step.name for step in last.part.path if step.name])
    part = replace(first.part, times=len(run), last=path, makes=last.part.makes)
    return Piece(part, first.takes, last.makes, nodes_of(run), first.family)


def nodes_of(pieces: Sequence[Piece]) -> tuple[Node, ...]:
    """Return the nodes that some pieces stand for."""
    return tuple([node for piece in pieces for node in piece.nodes])


def gathered(pieces: Sequence[Piece]) -> tuple[tuple[Value, ...], tuple[Value, ...]]:
    """Return the values that come into some pieces, and those that others or the function take from them."""
    made = {value for piece in pieces for value in piece.makes}
    inside = set(nodes_of(pieces))
    takes = dict.fromkeys([value for piece in pieces for value in piece.takes if value not in made])
    makes = [value for piece in pieces for value in piece.makes if any(use.user not in inside for use in value.uses)]
    return tuple(takes), tuple(makes)
