"""Rewrites of a graph, in the order in which they run.

Each pass says which facts about the graph it requires, which it establishes and which it preserves. Tests hold every
pass to that, and verify the graph around it.
"""

from archdsl.passes.passes import INFERENCE_PASSES, PASSES, SIZE_PASSES, Fact, Pass, optimized, run_passes

__all__ = ["INFERENCE_PASSES", "PASSES", "SIZE_PASSES", "Fact", "Pass", "optimized", "run_passes"]
