"""E07: claims that do not hold."""

from __future__ import annotations

from archdsl.diagnostics.codes.entry import Code
from archdsl.diagnostics.record import Diagnostic

E0701 = Code(
    "E0701",
    "a claim does not hold",
    """An `expect` states what the network should be, often from the paper's table, and it is something else. The message
    shows both sides. Either the network differs from the paper, or the claim holds for another configuration:
    `expect params == 25_557_032 if classes == 1000`.""",
    bad="""
    network tiny {
      input image [3, 32, 32]
      conv(16, 3, stride = 2)
      expect x.shape == [16, 32, 32]
    }
    """,
    good="""
    network tiny {
      input image [3, 32, 32]
      conv(16, 3, stride = 2)
      expect x.shape == [16, 16, 16]
    }
    """,
)


class FalseExpectation(Diagnostic, code=E0701):
    """An `expect` that does not hold; `sides` are the values of what it compares, as the end of a sentence."""

    claim: str
    sides: str

    def summary(self) -> str:
        return f"`{self.claim}` does not hold{self.sides}"
