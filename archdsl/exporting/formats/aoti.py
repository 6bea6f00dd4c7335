"""The format `aoti`: machine code that AOTInductor compiles, in a package that PyTorch runs without Python, too."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from archdsl.diagnostics import SpecError, codes
from archdsl.exporting.format import PRECISIONS, Format, Runner
from archdsl.exporting.placing import write_from_memory

if TYPE_CHECKING:
    from torch import Tensor

    from archdsl.exporting.program import Program

_SWITCH = 'getenv("AOTI_RUNTIME_CHECK_INPUTS")'


def _check() -> None:
    """Raise `SpecError` E1101 without a C++ compiler."""
    from torch._inductor import cpp_builder, exc

    try:
        compiler = cpp_builder.get_cpp_compiler()
    except (exc.InvalidCxxCompiler, RuntimeError, OSError) as error:
        raise SpecError(codes.exporting.NoCppCompiler()) from error
    if shutil.which(compiler) is None:
        raise SpecError(codes.exporting.NoCppCompiler())


def _write(program: Program, path: Path) -> tuple[Path, ...]:
    from torch._inductor import aoti_compile_and_package
    from torch._inductor.exc import InductorError

    from archdsl.exporting.program import any_size_of, quiet

    options = {"aot_inductor.metadata": dict(program.metadata), "aot_inductor.check_lowerbound": False}

    def compiled(buffer: IO[bytes], **more: bool) -> None:
        with quiet(), any_size_of(program.graph), _checks_of_inputs():
            exported = program.exported(assertions=True)
            aoti_compile_and_package(exported, package_path=buffer, inductor_configs={**options, **more})

    try:
        write_from_memory(path, compiled)
    except InductorError as error:
        if "ValueRangeError" not in str(error):
            raise
        # Comparing the strides of a part of the channels fails at symbolic sizes (PyTorch 2.13); no layout is chosen then.
        write_from_memory(path, partial(compiled, layout_optimization=False))
    return (path,)


@contextmanager
def _checks_of_inputs() -> Iterator[None]:
    """Let the compiled code always compare its inputs with their declared shapes, types and strides.

    AOTInductor generates these checks, and runs them only if an environment variable is set where the package runs; without
    them, an input of another size gives numbers that mean nothing. PyTorch has no option for it (2.13). An export whose checks do
    not work is not written, whatever becomes of this.
    """
    from torch._inductor.codegen.cpp_wrapper_cpu import CppWrapperCpu

    original = CppWrapperCpu.generate_input_output_runtime_checks

    def generate(self: Any) -> None:
        original(self)  # type: ignore[no-untyped-call]
        lines = self.prefix._lines
        lines[:] = [line.replace(_SWITCH, '"1"') if isinstance(line, str) else line for line in lines]

    CppWrapperCpu.generate_input_output_runtime_checks = generate  # type: ignore[method-assign]
    try:
        yield
    finally:
        CppWrapperCpu.generate_input_output_runtime_checks = original  # type: ignore[method-assign]


def _run(path: Path) -> Runner:
    import torch
    from torch._inductor import aoti_load_package

    from archdsl.exporting.program import flat

    package = aoti_load_package(str(path), run_single_threaded=True)

    def run(inputs: Sequence[Tensor]) -> list[Tensor]:
        with torch.no_grad():
            return list(flat(package(*inputs)))

    return run


def _metadata(path: Path) -> Mapping[str, str]:
    from torch._inductor import aoti_load_package

    found: dict[str, str] = aoti_load_package(str(path)).get_metadata()
    return found


FORMAT = Format(
    "machine code for this kind of processor, compiled by AOTInductor", (".aoti.pt2",), ("torch",), frozenset(PRECISIONS),
    _write, _run, _metadata, _check, ".pt2",
)  # fmt: skip
