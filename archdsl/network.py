"""A network that was loaded: inspect, build, draw or train it from Python."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archdsl import targets
from archdsl.analysis import SymbolicSizes, Table, layer_table
from archdsl.compiled import Compiled
from archdsl.diagnostics import Diagnostic, SpecError, codes
from archdsl.elaborate import files_of
from archdsl.file_io import is_same_file, write_file
from archdsl.ir import Graph
from archdsl.lints import is_suppressed
from archdsl.network_probe import Probed, log_warning
from archdsl.notebook import ShownInNotebooks
from archdsl.optional_dependencies import extra_needed
from archdsl.passes import optimized

if TYPE_CHECKING:
    import torch
    from lightning.pytorch import Callback
    from torch import nn

    from archdsl.backends.diagram import Direction, Level, PresetName, ThemeName
    from archdsl.data import Input, Opened, ReadOptions
    from archdsl.differences import Difference
    from archdsl.exporting.certificate import Certificate
    from archdsl.exporting.format import Precision
    from archdsl.initial_weights import Weights
    from archdsl.recipe import Recipe
    from archdsl.reports import Report
    from archdsl.train import Result
    from archdsl.train.recorder import StopWhen
    from archdsl.weights import Channels, MatchBy
    from archdsl.weights.report import WeightsReport


class Network(Probed, ShownInNotebooks):
    """A network that was loaded and checked.

    Its attributes are the `graph`, the `recipe` of its file (None if it has none), the `warnings`, the `folder` of its file,
    and the valid symbolic `sizes`.
    """

    def __init__(self, compiled: Compiled) -> None:
        self.graph: Graph = compiled.require()
        self.recipe: Recipe | None = compiled.recipe
        self.warnings: list[Diagnostic] = compiled.diagnostics
        self.folder: Path = compiled.path.parent if compiled.path is not None else Path()
        self.sizes: SymbolicSizes = compiled.sizes
        self._limits, self._variant = compiled.limits, compiled.variant
        self._path, self._sources, self._places = compiled.path, compiled.sources, compiled.places
        self._module = compiled.module

    @property
    def name(self) -> str:
        """The name of the network in its spec."""
        return self.graph.name

    def with_seed(self, seed: int) -> Network:
        """Return the same network with another random seed in its recipe."""
        other = copy(self)
        other.recipe = None if self.recipe is None else self.recipe.replace(seed=seed)
        return other

    def at_key(self, found: Diagnostic) -> Diagnostic:
        """Return an error in the recipe or its data as a diagnostic at the key that it concerns."""
        place = self._places.get(found.argument or "")
        if place is None and found.argument:  # the key is omitted, and its default does not match the data
            place = self._places.get("data")
        return found.at(place)

    def is_suppressed(self, found: Diagnostic) -> bool:
        """Return whether a comment in the file suppresses a warning about its recipe, such as one that training gives."""
        return self._module is not None and is_suppressed(self.at_key(found), files_of(self._module))

    @contextmanager
    def at_keys(self) -> Iterator[None]:
        """Place the diagnostics of a `SpecError` that is raised in the context at the keys that they concern."""
        try:
            yield
        except SpecError as error:
            raise error.map(self.at_key) from error.__cause__

    def path_of(self, key: str, path: str) -> Path:
        """Resolve a path under a key of the recipe: relative to its file, or to the current folder for a key set from outside."""
        return self._folder_of(key) / path

    def _folder_of(self, key: str) -> Path:
        """Return the folder for relative paths under a key of the recipe."""
        place = self._places.get(key)
        return self.folder if place is not None and any(place.file is source for source in self._sources) else Path()

    def inputs(self) -> tuple[Input, ...]:
        """Return the inputs, for training."""
        from archdsl.network_data import inputs_of  # here: checking needs no data

        return inputs_of(self.graph)

    @property
    def data_folder(self) -> Path:
        """The folder for relative paths of data: that of the file, or the current folder if `data` was set from outside."""
        return self._folder_of("data")

    def check_shapes(self, shapes: Sequence[tuple[int, ...]]) -> Diagnostic | None:
        """Return the error for inputs of these shapes; None if they are valid."""
        found = self.at_shapes(shapes)[1]
        return found[0].moved(None).about("data") if found else None

    def at_shapes(self, shapes: Sequence[tuple[int, ...]]) -> tuple[Graph | None, list[Diagnostic]]:
        """Return the graph for inputs of these shapes, or the errors that they cause."""
        if not self.sizes.work:
            return self.graph, []
        names = [value.name or "" for value in self.graph.inputs]
        from archdsl.analysis import at_sizes  # here: most networks have fixed sizes

        return at_sizes(self.graph, self.sizes, dict(zip(names, shapes, strict=True)))

    def open_data(self, reading: ReadOptions | None = None) -> Opened:
        """Open the data set of the recipe and compare it with the network, without PyTorch.

        Raise `SpecError` if they do not match.
        """
        from archdsl.network_data import open_data  # here: checking needs no data

        return open_data(self, reading)

    def table(self) -> Table:
        """Return the layer table, with the number of parameters, the MACs per example, and the depth."""
        return layer_table(self.graph, self.recipe)

    def report(self, *, batch: int = 32) -> Report:
        """Return a report on cost, memory, receptive fields, paths, variance and savings, computed without PyTorch.

        `batch` is the number of examples of a training step, two or more. Print the report, or write `report.html()`.
        """
        from archdsl.reports import report_of  # here: most networks need none

        if batch < 2:
            raise ValueError(f"a batch of a training step has two examples or more, not {batch}")
        return report_of(self.graph, batch)

    def build(
        self,
        *,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        weights: str | os.PathLike[str] | Mapping[str, torch.Tensor] | None = None,
        aux: bool = True,
        check_sizes: bool = True,
        inplace: bool = True,
        optimize: bool = False,
    ) -> nn.Module:
        """Build an initialized module; the labels of the spec are the keys of its `state_dict`.

        Every tensor of `weights`, a file or a `state_dict`, must fit; `load_weights` has options for other files. With
        `aux=False`, the module has no auxiliary heads, and those of the weights are ignored. The module executes `source()`.
        With `check_sizes`, it raises `ValueError` for inputs of invalid sizes before it computes anything. With
        `inplace=False`, activations are modules that do not operate in place, so that forward hooks and full backward hooks
        work. With `optimize`, it is the module of `optimized_graph`, for inference alone; it takes weights of the plain one, too.
        Raise `SpecError` as `load_weights` does, and E0608 if PyTorch is not installed.
        """
        from archdsl.building import build_module  # here: most commands build nothing

        form = {"device": device, "dtype": dtype, "aux": aux, "check_sizes": check_sizes, "inplace": inplace}
        return build_module(self, weights, optimize, form)

    @cached_property
    def optimized_graph(self) -> Graph:
        """The graph for inference: with folded batch norm, and without auxiliary heads and what only training needs.

        Layers keep their keys. Those into which batch norm is folded have a bias.
        """
        return optimized(self.graph)

    def optimized_weights(self, source: str | os.PathLike[str] | Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Return the `state_dict` of the optimized module, given weights of the plain one: a file or a `state_dict`.

        What is folded is computed in float64, and has the dtype of the weights. Raise `SpecError` as `load_weights` does.
        """
        from archdsl.building import Matching, optimized_weights  # here: most commands load nothing

        return optimized_weights(self, source, Matching())

    def load_weights(
        self, module: nn.Module, source: str | os.PathLike[str] | Mapping[str, torch.Tensor], *, partial: bool = False,
        without_heads: bool = False, by: MatchBy = "name", prefix: str | None = None, channels: Channels | None = None,
    ) -> WeightsReport:  # fmt: skip
        """Load weights into a module of this network, and return a report on each tensor.

        The source is a `.safetensors` file, a `.pt` or `.pth` file that contains tensors, or a `state_dict`. Dictionaries around
        a `state_dict` and prefixes such as `module.` are removed, and tensors are converted to the dtype of the module.

        `partial` loads the tensors that fit, `without_heads` accepts a file without auxiliary heads, and `by="order"` matches by
        position. `prefix` is the label of the network inside the file, or of the submodule inside the network; default: detected.
        `channels` adapts the first convolution to another number of input channels: `sum`, `mean` or `repeat`.

        Raise `SpecError`: E0905 if the weights do not fit, leaving the module unchanged; E0601 or E0906 if they cannot be read.
        """
        from archdsl.building import Matching, load_weights  # here: most commands load nothing

        return load_weights(self, module, source, Matching(partial, without_heads, by, prefix, channels))

    def check_weights(
        self, source: str | os.PathLike[str] | Mapping[str, torch.Tensor], *, without_heads: bool = False,
        by: MatchBy = "name", prefix: str | None = None, channels: Channels | None = None,
    ) -> WeightsReport:  # fmt: skip
        """Return a report on how weights match the network, without building it; for `.safetensors` files without PyTorch.

        Raise `SpecError` E0601 or E0906 if they cannot be read. The report contains the mismatches.
        """
        from archdsl.building import Matching, check_weights  # here: most commands load nothing

        return check_weights(self, source, Matching(False, without_heads, by, prefix, channels))

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
        stop_when: StopWhen | None = None,
    ) -> Result:
        """Train the network with its recipe, as `archdsl train` does, and return the result.

        `folder` is the run folder (default: `runs/NAME-N` with the next free N). `resume` resumes the run in it, or starts one if
        there is no checkpoint. `weights` replace those of the recipe; pass `archdsl.Weights(file, partial=True)` for options.
        `skip_bad` skips unreadable images, and `download` downloads a data set. `callbacks` are Lightning's. `stop_when` may end
        the run after an epoch, of which it takes the metric and the row of metrics.csv. Warnings go to the logger `archdsl`.
        Raise `SpecError` for mismatches, and `archdsl.train.Interrupted` after Ctrl-C or SIGTERM.
        """
        from archdsl.data import ReadOptions  # here: only training needs data, weights and a folder
        from archdsl.initial_weights import Weights, weights_of
        from archdsl.runs import RunFolder
        from archdsl.training import check_initial_weights, require_trainable, snapshot, train

        require_trainable(self)
        reading = ReadOptions(skip_bad, download)
        opened = self.open_data(reading)
        start = weights if isinstance(weights, Weights) else weights_of(self) if weights is None else Weights(Path(weights))
        for found in check_initial_weights(self, start) if start is not None else []:
            log_warning(found)
        with RunFolder(None if folder is None else Path(folder), snapshot(self), resume=resume) as run:
            hardware = {"accelerator": device, "devices": devices, "nodes": nodes}
            return train(
                self, run, opened, reading=reading, arguments={}, hardware=hardware, weights=start, callbacks=callbacks,
                warn=log_warning, report=lambda found: log_warning(self.at_key(found)), stop_when=stop_when,
            )  # fmt: skip

    def export(
        self, path: str | os.PathLike[str], *, to: str | None = None,
        weights: str | os.PathLike[str] | Mapping[str, torch.Tensor] | None = None, precision: Precision = "fp32",
        fold: bool = True, data: str | os.PathLike[str] | None = None,
    ) -> Certificate:  # fmt: skip
        """Write the network as a file for another runtime, and return the certificate that is written beside it.

        `to` is `onnx`, `pt2`, `aoti`, `openvino` or `torchscript`; default: that of the suffix. Without `weights`, they are
        initialized with a fixed seed. The file is run and compared with the network in float64, and kept only if they agree.
        With `fold`, batch norm is folded. The data of the recipe, or at `data`, calibrates `int8`; predictions on it are compared
        for `int8`, or if `data` is given. Raise `ValueError` for an unknown format, and `SpecError`: E0606, E0608, those of
        `load_weights`, and E1101 to E1103.
        """
        with extra_needed("train", "exporting a network"):
            from archdsl.exporting.subject import subject_of  # here: torch takes over a second to import
        from archdsl.exporting.write import export_with_data

        return export_with_data(subject_of(self, weights), path, to, precision=precision, fold=fold, data=data)

    def dynamic_shapes(self, *, batch: bool = True) -> tuple[dict[int, Any], ...]:
        """Return the symbolic sizes of the inputs as the argument `dynamic_shapes` of `torch.export.export`.

        The sizes of the example must be valid. With `batch`, the batch size is dynamic, and that of the example at least two.
        """
        with extra_needed("train", "exporting a module"):
            from archdsl.backends.torch.export import dynamic_shapes  # here: torch takes over a second to import
        return dynamic_shapes(self.graph, batch=batch)

    def compile(
        self, target: str = targets.DEFAULT, suffix: str | None = None, *, aux: bool = True, inplace: bool = True,
        optimize: bool = False,
    ) -> bytes:  # fmt: skip
        """Return the output of a target for the network, without auxiliary heads if not `aux`.

        `suffix` selects a format of the target; default: its first one. With `inplace=False`, activations do not operate in
        place. With `optimize`, it is that for `optimized_graph`. Raise `ValueError` if there is no such target or it has no such
        option, and `SpecError` if it cannot write the network.
        """
        if target not in targets.names():
            raise ValueError(f"the targets are {', '.join(targets.names())}, not {target!r}")
        chosen, options = targets.target(target), targets.Options(aux=aux, inplace=inplace)
        if (unknown := chosen.unknown(options)) is not None:
            raise ValueError(f"the target {target!r} has no option {unknown!r}")
        graph = self.optimized_graph if optimize else self.graph
        return chosen.write(graph, suffix if suffix in chosen.suffixes else chosen.suffixes[0], options)

    def source(self, *, aux: bool = True, check_sizes: bool = True, inplace: bool = True, optimize: bool = False) -> str:
        """Return self-contained Python source of the module, which imports only torch; without heads if not `aux`.

        With `inplace=False`, activations are modules that do not operate in place. `optimize` is that of `build`.
        """
        from archdsl.backends.torch.emit import emit  # here: checking needs no backend

        return emit(self.optimized_graph if optimize else self.graph, aux=aux, check_sizes=check_sizes, inplace=inplace)

    def render(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        format: str | None = None,
        level: Level = "blocks",
        direction: Direction | None = None,
        preset: PresetName | None = None,
        theme: ThemeName = "light",
        bands: bool = False,
    ) -> bytes:
        """Draw the diagram, and write it atomically to the path, if there is one.

        `format` is svg, png, pdf, dot, tikz, mermaid, or html for an interactive page; it defaults to the suffix of the path, or
        else svg. `level` is `blocks`, which folds repeated blocks as figures in papers do, `full`, or how many blocks inside
        each other are opened, on an interactive page at first. `direction` is `down` or `right`, `preset` is `column`, `page`
        or `slide`, and `theme` is `light`, `dark` or `print`. With `bands`, each resolution has a background. Raise `SpecError`
        E0606 if the file cannot be written, and E0901, E0904 or E0907 if the network cannot be drawn. Raise `ValueError` for an
        unknown format.
        """
        from archdsl.backends.diagram import FORMATS, SUFFIXES, render  # here: checking needs no backend

        suffix = Path(path).suffix.removeprefix(".").lower() if path is not None else "svg"
        chosen = format or SUFFIXES.get(suffix, suffix)
        if chosen == "html":
            from archdsl.backends.viewer.page import viewer_page  # here: pictures need no page

            drawn = viewer_page(self.graph, level)
        elif chosen in FORMATS:
            drawn = render(self.graph, chosen, level=level, direction=direction, preset=preset, theme=theme, bands=bands)
        else:
            raise ValueError(f"a diagram is {', '.join(FORMATS)} or html, and not {chosen!r}")
        if path is not None:
            self.write(path, drawn)
        return drawn

    def diff(self, other: Network) -> Difference:
        """Return the difference from this network to another one: changes of the graph, totals, and the keys that still load."""
        from archdsl.differences import Difference  # here: most commands look at one network

        return Difference(self.graph, other.graph)

    def drawing(self, format: str = "svg") -> bytes | Diagnostic:
        """Return the diagram, or a diagnostic if it cannot be drawn. This does not raise; internal errors become E0907."""
        try:
            return self.render(format=format)
        except SpecError as error:
            return error.diagnostics[0]
        except Exception as error:
            return codes.outputs.DrawingFailed(self.name, type(error).__name__, str(error))

    def write(self, path: str | os.PathLike[str], content: str | bytes) -> None:
        """Write a file atomically. Raise `SpecError` E0606 if that fails, or if the network was read from this file."""
        self.check_output(path)
        write_file(Path(path), content)

    def check_output(self, path: str | os.PathLike[str]) -> None:
        """Raise `SpecError` E0606 if the network was read from this file, which an output would replace."""
        read = [self._path, *(Path(source.name) for source in self._sources[1:])] if self._path is not None else []
        if any(is_same_file(Path(path), file) for file in read if file is not None):
            raise SpecError(codes.files.SourceOverwritten(str(path), self.name))

    def files(self) -> dict[str, str]:
        """Return the texts of the file and its imports, by path relative to `folder`."""
        first, *others = self._sources
        name = Path(first.name).name if first.name.endswith(".arch") else "spec.arch"
        return {name: first.text} | {str(Path(s.name).resolve().relative_to(self.folder.resolve())): s.text for s in others}

    def origin(self) -> dict[str, Any]:
        """Return what loads the network again from its `files`: the main file, settings, sizes of inputs, and limits."""
        return {
            "file": next(iter(self.files())),
            "settings": dict(self._variant.settings),
            "sizes": list(map(str, self._variant.sizes)),
            "limits": self._limits.changes(),
        }

    def __repr__(self) -> str:
        table = self.table()
        return f"<archdsl network {self.name}: {table.params:,} params, depth {table.depth}>"
