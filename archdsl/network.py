"""The Python API: `load` a network, then look at it, build it, read its source, draw it."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archdsl import targets
from archdsl.analysis import OpenSizes, Table, at_sizes, layer_table
from archdsl.declared import Fault
from archdsl.diagnostics import Diagnostic, SpecError, render_text
from archdsl.diagnostics.untyped import untyped
from archdsl.driver import Compiled, check_text, compile_address, compile_text
from archdsl.extras import extra_needed
from archdsl.files import write_file
from archdsl.ir import Graph
from archdsl.limits import DEFAULT, Limits
from archdsl.lints import levels_from
from archdsl.literals import show
from archdsl.session import Session
from archdsl.shapes import Shape, format_shape
from archdsl.starting_weights import Weights, weights_of

if TYPE_CHECKING:
    import torch
    from lightning.pytorch import Callback
    from torch import nn

    from archdsl.backends.diagram import Detail
    from archdsl.data import Input, Opened, Reading
    from archdsl.recipe import Recipe
    from archdsl.train import Result
    from archdsl.weights.pairing import Channels, Pairing
    from archdsl.weights.report import WeightsReport


def load(address: str | os.PathLike[str], /, *, limits: Limits = DEFAULT, **parameters: Any) -> Network:
    """The network at an address: `"net.arch:resnet50"`, `"net.arch"`, or the name of a shipped one.

    Parameters are given by name as Python values: `load("net.arch:resnet50", classes=10)`; what is no value of Python, such
    as an op, as a text of the language: `load("resnet", norm=Expression("gn(32)"))`. A recipe's keys are given as
    `**{"train.epochs": 5}`. `limits` bounds what the spec may grow to: `limits=Limits(nodes=1_000_000)`; a parameter of this
    name can be set only in the spec. Raises `SpecError`, which holds all diagnostics and prints them, and `ValueError` for
    limits out of range.
    """
    session = Session(_checked(limits))
    return Network(compile_address(os.fspath(address), _settings(parameters, limits), session=session))


def loads(text: str, network: str | None = None, /, *, limits: Limits = DEFAULT, **parameters: Any) -> Network:
    """The network in a text, by name where the text defines several. `limits` and errors are those of `load`."""
    session = Session(_checked(limits))
    return Network(compile_text(text, network, _settings(parameters, limits), session=session))


def check(
    text: str, /, *, warn: Iterable[str] = (), deny: Iterable[str] = (), allow: Iterable[str] = (), limits: Limits = DEFAULT
) -> list[Diagnostic]:
    """Return everything that is wrong with a text, in all of its networks; empty if all is well. Warnings count too.

    The codes in `deny` are reported as errors, those in `allow` not at all, and those in `warn` as warnings, whatever the others
    say. Raise `ValueError` for a code that does not exist, or is that of an error.
    """
    levels = levels_from(warn=warn, deny=deny, allow=allow)
    return levels.applied(check_text(text, session=Session(_checked(limits))))


def _checked(limits: Limits) -> Limits:
    """Return the argument `limits`. Raise `TypeError` for another value, such as one that is meant for a parameter of the spec."""
    if not isinstance(limits, Limits):
        raise TypeError(f"`limits` is archdsl.Limits(...), and not {limits!r}")
    return limits


class Network:
    """A network that was read and checked.

    `graph` is what it means, `recipe` how its file says to train it (none where it does not), `warnings`
    what was found that is no error, `folder` where its file lies, `sizes` for which open sizes it works.
    """

    def __init__(self, compiled: Compiled) -> None:
        self.graph: Graph = compiled.require()
        self.recipe: Recipe | None = compiled.recipe
        self.warnings: list[Diagnostic] = compiled.diagnostics
        self.folder: Path = compiled.path.parent if compiled.path is not None else Path()
        self.sizes: OpenSizes = compiled.sizes
        self._limits = compiled.limits
        self._path, self._sources, self._places = compiled.path, compiled.sources, compiled.places

    @property
    def name(self) -> str:
        """As the spec calls it."""
        return self.graph.name

    def with_seed(self, seed: int) -> Network:
        """Return the same network, whose recipe has another random seed."""
        other = copy(self)
        other.recipe = None if self.recipe is None else self.recipe.model_copy(update={"seed": seed})
        return other

    def at_key(self, found: Diagnostic) -> Diagnostic:
        """Return what is wrong with the recipe or its data at the key that is at fault, unless it has a place."""
        place = self._places.get(found.argument or "")
        if place is None and found.argument:  # a key that is left out, whose default does not fit the data
            place = self._places.get("data")
        return found.at(place)

    @contextmanager
    def at_keys(self) -> Iterator[None]:
        """Around what reads the recipe and its data: place the diagnostics of a `SpecError` at the keys that are at fault."""
        try:
            yield
        except SpecError as error:
            raise error.map(self.at_key) from error.__cause__

    def path_of(self, key: str, path: str) -> Path:
        """Where a path under a key of the recipe leads: from the recipe's file, or from the current folder if it was given from outside."""
        return self._folder_of(key) / path

    def _folder_of(self, key: str) -> Path:
        """Where relative paths under a key of the recipe start."""
        place = self._places.get(key)
        return self.folder if place is not None and any(place.file is source for source in self._sources) else Path()

    def inputs(self) -> tuple[Input, ...]:
        """The inputs, as training sees them."""
        from archdsl.data.inputs import Input  # here: checking needs no data

        return tuple(Input(str(value), _known(value.shape), value.dtype == "int") for value in self.graph.inputs)

    @property
    def data_folder(self) -> Path:
        """Where relative paths of data start: at the file, if that names them, else at the current directory."""
        return self._folder_of("data")

    def check_shapes(self, shapes: Sequence[tuple[int, ...]]) -> Diagnostic | None:
        """What is wrong with inputs of these shapes, in their order; None if the network works for them."""
        found = self._at(shapes)[1]
        return found[0].moved(None).about("data") if found else None

    def _at(self, shapes: Sequence[tuple[int, ...]]) -> tuple[Graph | None, list[Diagnostic]]:
        if not self.sizes.work:
            return self.graph, []
        names = [value.name or "" for value in self.graph.inputs]
        return at_sizes(self.graph, self.sizes, dict(zip(names, shapes, strict=True)))

    def open_data(self, reading: Reading | None = None) -> Opened:
        """Open the data set of the recipe, and compare it with the network, without PyTorch. Raise `SpecError` if they do not fit."""
        with extra_needed("train", "reading data"):
            from archdsl.data import AS_IT_IS, open_data  # here: checking needs no data
            from archdsl.data.fitting import check_labels

        assert self.recipe is not None
        with self.at_keys():
            ignore = getattr(self.recipe.loss, "ignore", None)
            opened = open_data(self.recipe, self.data_folder, self.inputs(), reading or AS_IT_IS, ignore=ignore)
            for shapes in dict.fromkeys((opened.training_shapes, opened.shapes)):
                graph, found = self._at(shapes)
                if graph is None:
                    raise SpecError(*found)
                check_labels(opened.labels, self.recipe, _output_shapes(graph), self.graph.main.arguments)
        return opened

    def table(self) -> Table:
        """A row for each layer, and the totals: learned numbers, MACs for one image, depth."""
        return layer_table(self.graph, self.recipe)

    def build(
        self,
        *,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        weights: str | os.PathLike[str] | Mapping[str, torch.Tensor] | None = None,
        aux: bool = True,
        check_sizes: bool = True,
        inplace: bool = True,
    ) -> nn.Module:
        """The module, freshly initialized; its `state_dict` keys are the labels of the spec.

        `weights`, a file or a state_dict, must fit in every tensor; `load_weights` takes others too. Where not `aux`,
        the module has no heads, and those of the weights stay behind. The code that runs is `source()`. With `check_sizes` it
        raises `ValueError` for an input of a size that does not work, before anything is computed. With `inplace=False` activations
        are modules and overwrite nothing, so that forward hooks and full backward hooks work. Raises `SpecError` (E0608) where PyTorch is not installed, and as `load_weights` does.
        """
        with extra_needed("train", "building a module"):
            from archdsl.backends.torch.instantiate import build  # here: torch takes over a second to import
        module = build(self.graph, device=device, dtype=dtype, aux=aux, check_sizes=check_sizes, inplace=inplace)
        if weights is not None:
            self.load_weights(module, weights)
        return module

    def load_weights(
        self,
        module: nn.Module,
        source: str | os.PathLike[str] | Mapping[str, torch.Tensor],
        *,
        partial: bool = False,
        without_heads: bool = False,
        by: Pairing = "name",
        prefix: str | None = None,
        channels: Channels | None = None,
    ) -> WeightsReport:
        """Put stored weights into a module of this network, and say what became of each tensor.

        The source is a `.safetensors` file, a `.pt` or `.pth` file that holds tensors, or a state_dict. Dictionaries
        around a state_dict and prefixes such as `module.` are taken off, and numbers are converted to the module's kind.
        `partial` loads what fits, `without_heads` lets the file lack auxiliary heads, and `by="order"` goes by position.
        The label under which the tensors are, in the file or in the network, is found, or given as `prefix`; `channels` adapts
        the first convolution to another number of input channels: `sum`, `mean` or `repeat`.
        Raises `SpecError`: E0905 where they do not fit, the module being as it was; E0601 or E0906 where they cannot be read.
        """
        with extra_needed("train", "loading weights"):
            from archdsl.backends.torch.weights import (  # here: torch takes over a second to import
                counting_spoiled,
                move,
                read,
            )
        from archdsl.weights.report import report_on  # here: checking needs no weights

        tensors = read(source if isinstance(source, Mapping) else Path(source))
        wanted = {key: tuple(value.shape) for key, value in module.state_dict().items()}
        report = report_on(
            self.graph,
            counting_spoiled(tensors, module),
            wanted=wanted,
            by=by,
            without_heads=without_heads,
            prefix=prefix,
            channels=channels,
        )
        if not report.ok and (report.fit.useless or not partial):
            raise SpecError(report.diagnostic())
        return replace(report, done=True, converted=move(module, tensors, report.fit))

    def check_weights(
        self,
        source: str | os.PathLike[str] | Mapping[str, torch.Tensor],
        *,
        without_heads: bool = False,
        by: Pairing = "name",
        prefix: str | None = None,
        channels: Channels | None = None,
    ) -> WeightsReport:
        """Whether stored weights would fit, with nothing built; a `.safetensors` file needs no PyTorch for that.

        Raises `SpecError` E0601 or E0906 where they cannot be read. What does not fit is in the report.
        """
        from archdsl.weights.report import report_on  # here: checking needs no weights
        from archdsl.weights.stored import file_kind, read_header  # here: checking needs no weights

        if not isinstance(source, Mapping) and file_kind(Path(source)) == "safetensors":
            stored = read_header(Path(source))
        else:
            with extra_needed("train", "reading weights that are not safetensors"):
                from archdsl.backends.torch.weights import read  # here, as above
            stored = read(source if isinstance(source, Mapping) else Path(source)).stored
        return report_on(self.graph, stored, by=by, without_heads=without_heads, prefix=prefix, channels=channels)

    def fit(
        self,
        folder: str | os.PathLike[str] | None = None,
        *,
        resume: bool = False,
        device: str = "auto",
        devices: int = 1,
        nodes: int = 1,
        weights: Weights | str | os.PathLike[str] | None = None,
        skip_bad: bool = False,
        download: bool = False,
        callbacks: Sequence[Callback] = (),
    ) -> Result:
        """Train the network by its recipe, as `archdsl train` does, and return how the run ended.

        Everything is written into `folder` (default: `runs/NAME-N` with the next free N). `resume` continues the run in it, or
        starts one if it has no checkpoint. `weights`, or those of the recipe, are loaded first; `archdsl.Weights(file, partial=True)` says
        how. `skip_bad` leaves out images that cannot be read, and `download` fetches a data set. `callbacks` are Lightning's. Warnings go to the logger `archdsl`. Raise `SpecError` for everything that does not fit,
        and `archdsl.train.Interrupted` after Ctrl-C or SIGTERM.
        """
        from archdsl.data import Reading  # here: only training needs data and a folder
        from archdsl.runs import RunFolder
        from archdsl.training import fitting, require_trainable, snapshot, train

        require_trainable(self)
        reading = Reading(skip_bad, download)
        opened = self.open_data(reading)
        start = weights if isinstance(weights, Weights) else weights_of(self) if weights is None else Weights(Path(weights))
        for found in fitting(self, start) if start is not None else []:
            _log(found)
        with RunFolder(None if folder is None else Path(folder), snapshot(self), resume=resume) as run:
            hardware = {"accelerator": device, "devices": devices, "nodes": nodes}
            return train(
                self, run, opened, reading=reading, arguments={}, hardware=hardware, weights=start, callbacks=callbacks, warn=_log,
                report=lambda found: _log(self.at_key(found)),
            )  # fmt: skip

    def dynamic_shapes(self, *, batch: bool = True) -> tuple[dict[int, Any], ...]:
        """The open sizes of the inputs as the argument `dynamic_shapes` of `torch.export.export`.

        The example's sizes must be among them, and its batch of two or more where `batch` leaves that open, too.
        """
        with extra_needed("train", "exporting a module"):
            from archdsl.backends.torch.export import dynamic_shapes  # here: torch takes over a second to import
        return dynamic_shapes(self.graph, batch=batch)

    def compile(
        self, target: str = targets.DEFAULT, suffix: str | None = None, *, aux: bool = True, inplace: bool = True
    ) -> bytes:
        """Return the content of the file that a target writes, without the auxiliary heads if `aux` is false.

        `suffix` chooses among the formats of the target; the first one is the default. With `inplace=False` activations
        overwrite nothing. Raise `ValueError` if there is no such target or it has no such option, and `SpecError` if it
        cannot write the network.
        """
        if target not in targets.names():
            raise ValueError(f"the targets are {', '.join(targets.names())}, not {target!r}")
        chosen, options = targets.target(target), targets.Options(aux=aux, inplace=inplace)
        if (unknown := chosen.unknown(options)) is not None:
            raise ValueError(f"the target {target!r} has no option {unknown!r}")
        return chosen.write(self.graph, suffix if suffix in chosen.suffixes else chosen.suffixes[0], options)

    def source(self, *, aux: bool = True, check_sizes: bool = True, inplace: bool = True) -> str:
        """Return self-contained Python source of the module, which imports torch alone; without the heads if not `aux`.

        With `inplace=False` activations are modules and overwrite nothing.
        """
        from archdsl.backends.torch.emit import emit  # here: checking needs no backend

        return emit(self.graph, aux=aux, check_sizes=check_sizes, inplace=inplace)

    def render(
        self, path: str | os.PathLike[str] | None = None, *, format: str | None = None, detail: Detail = "blocks"
    ) -> bytes:
        """The diagram as svg, png, pdf or dot; the format is the path's suffix where it is not said, else svg.

        `detail` is `blocks`, which folds repeats as a paper's figure does, or `full`. Written to the path where
        there is one, whole or not at all. Raises `SpecError` (E0606) where it cannot be written, (E0901, E0904, E0907)
        where it cannot be drawn; `ValueError` for another format.
        """
        from archdsl.backends.diagram import FORMATS, render  # here: checking needs no backend

        chosen = format or (Path(path).suffix.removeprefix(".").lower() if path is not None else "svg")
        if chosen not in FORMATS:
            raise ValueError(f"a diagram is {', '.join(FORMATS[:-1])} or {FORMATS[-1]}, and not {chosen!r}")
        drawn = render(self.graph, chosen, detail=detail)
        if path is not None:
            self.write(path, drawn)
        return drawn

    def drawing(self, format: str = "svg") -> bytes | Diagnostic:
        """The diagram, or why there is none, for whoever goes on without: a run, a notebook. Raises nothing.

        A mistake of archdsl's own is then E0907 too; `render` lets it through.
        """
        try:
            return self.render(format=format)
        except SpecError as error:
            return error.diagnostics[0]
        except Exception as error:
            message = f"drawing `{self.name}` ended with {type(error).__name__}: {error}"
            return untyped("E0907", message, help="this is a mistake in archdsl: please report it together with the spec")

    def write(self, path: str | os.PathLike[str], content: str | bytes) -> None:
        """Write what was made of the network, whole or not at all. Raises `SpecError` E0606 where that cannot be.

        Nor can it be where the path leads to a file that the network was read from.
        """
        read = [self._path, *(Path(source.name) for source in self._sources[1:])] if self._path is not None else []
        target = Path(path)
        if any(_one_file(target, file) for file in read if file is not None):
            message = f"{path} is a file that `{self.name}` is read from, and would be lost"
            raise Fault("E0606", message, help="choose another file with -o")
        write_file(target, content)

    def files(self) -> dict[str, str]:
        """The text of its file and of all that it imports, by path below `folder`."""
        first, *others = self._sources
        name = Path(first.name).name if first.name.endswith(".arch") else "spec.arch"
        return {name: first.text} | {str(Path(s.name).resolve().relative_to(self.folder.resolve())): s.text for s in others}

    def __repr__(self) -> str:
        table = self.table()
        return f"<archdsl network {self.name}: {table.params:,} params, depth {table.depth}>"

    def _repr_svg_(self) -> str:
        """The diagram, for notebooks; else a picture that says why there is none."""
        drawn = self.drawing()
        if isinstance(drawn, bytes):
            text = drawn.decode()
            return text[text.index("<svg") :]
        from archdsl.backends.diagram.svg import text_picture  # here: checking needs no backend

        return text_picture([f"{drawn.code}: {drawn.message}", f"help: {drawn.help}"])

    def _repr_html_(self) -> str:
        """The table, for notebooks; else a line that says why there is none. What comes from the spec is escaped."""
        from html import escape  # here: notebooks alone need it

        try:
            return self._html_table()
        except Exception as error:
            return f"<p>{escape(f'archdsl cannot show the table of {self.name}: {type(error).__name__}: {error}')}</p>"

    def _html_table(self) -> str:
        from html import escape  # here: notebooks alone need it

        def line(cell: str, *texts: str) -> str:
            return "<tr>" + "".join(f"<{cell}>{escape(text)}</{cell}>" for text in texts) + "</tr>"

        table = self.table()
        rows = "".join(
            line(
                "td",
                row.name,
                row.op,
                format_shape(row.shape),
                f"{row.params:,}",
                "" if row.macs is None else _number(row.macs),
                _remark(row.times, row.part),
            )
            for row in table.rows
        )
        totals = f"{table.params:,} params, {table.params_eval:,} without heads, depth {table.depth}"
        head = line("th", "layer", "op", "output", "params", "MACs", "")
        return f"<table><caption>{escape(self.name)}: {totals}</caption><thead>{head}</thead><tbody>{rows}</tbody></table>"


def _log(found: Diagnostic) -> None:
    logging.getLogger("archdsl").warning("%s", render_text([found]).rstrip())


def _one_file(one: Path, other: Path) -> bool:
    """Whether two paths lead to one file; what cannot be looked at is none."""
    try:
        return one.samefile(other)
    except (OSError, ValueError):
        return False


def _output_shapes(graph: Graph) -> dict[str, tuple[int | None, ...]]:
    """The shapes of what the network and its heads give, by what messages call them."""

    heads = {f"the head `{head.name}`": _known(value.shape) for head, value in graph.heads}
    return {"the network": _known(graph.result.shape), **heads}


def _known(shape: Shape) -> tuple[int | None, ...]:
    """Return a shape with None for each symbolic size."""
    return tuple(size if isinstance(size, int) else None for size in shape)


def _settings(parameters: Mapping[str, Any], limits: Limits) -> dict[str, str]:
    return {name: show(value, most=limits.list_items) for name, value in parameters.items()}


def _number(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _remark(times: int, part: str) -> str:
    return " ".join(word for word in (f"×{times}" if times > 1 else "", "head" if part == "head" else "") if word)
