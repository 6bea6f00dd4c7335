"""int8: PyTorch's quantization of exported programs (PT2E), with the ranges that some examples have."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.export import ExportedProgram

from archdsl.exporting.program import quiet


def quantized(program: ExportedProgram, examples: Sequence[tuple[Tensor, ...]]) -> nn.Module:
    """Return a program as a module with weights and activations of convolutions and linear layers in int8.

    `examples` are batches of inputs, from which the ranges of all activations are taken.
    """
    with quiet():
        from torchao.quantization.pt2e import move_exported_model_to_eval
        from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e
        from torchao.quantization.pt2e.quantizer.x86_inductor_quantizer import (
            X86InductorQuantizer,
            get_default_x86_inductor_quantization_config,
        )

        # Processors without VNNI add two products of 8 bits in 16 bits, which overflow: with 7 bits of activations they cannot.
        quantizer = X86InductorQuantizer().set_global(get_default_x86_inductor_quantization_config(reduce_range=True))
        prepared = prepare_pt2e(program.module(check_guards=False), quantizer)
        with torch.no_grad():
            for batch in examples:
                prepared(*batch)
        converted: nn.Module = convert_pt2e(prepared)
        move_exported_model_to_eval(converted)
        return converted
