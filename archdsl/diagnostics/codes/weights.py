"""E0905 and E0906: weights from files."""

from __future__ import annotations

from archdsl.diagnostics.codes.entry import Code

CODES = (
    Code(
        "E0905",
        "the weights do not fit",
        """The tensors of a file and those of the network differ in keys or shapes, or tensors of the file spoil every result. The message says how many fit, and shows
        every layer of which one is missing, has another shape, or holds numbers that are NaN or infinite. `--weights-partial` loads what fits, as for other
        classes; `--weights-without-heads` leaves out heads that the file does not have; `--weights-map order` goes by
        position where the names differ and the shapes agree in order.""",
        situation="""`archdsl check resnet50 --set classes=10 --weights resnet50.pth`, where the file is of 1,000 classes: `fc.weight` is
        [10, 2048], in the file [1000, 2048].""",
    ),
    Code(
        "E0906",
        "weights cannot be read",
        """The file is no safetensors file and none that `torch.save` wrote, is damaged or cut off, or holds more than tensors and plain
        values. A safetensors file is damaged where its own library would refuse it, too, and one of `torch.save` where a checksum in
        it is wrong. Python objects in such a file can execute code when they are loaded, so archdsl never loads them.""",
        situation="`archdsl train net.arch --weights model.pt`, where `torch.save(model, ...)` wrote the whole module, not its state_dict.",
    ),
)
