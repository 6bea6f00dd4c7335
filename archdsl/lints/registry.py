"""Every rule, in the order of the codes. A new rule goes in here, and nowhere else."""

from __future__ import annotations

from typing import Final

from archdsl.lints import (
    beyond_the_run,
    channels_as_numbers,
    empty_ranges,
    few_sizes,
    heads_in_evaluation,
    input_order,
    never_read,
    roots_of_negatives,
    spoiled_scores,
    strict_conditions,
    uncalled_blocks,
    unused_modules,
    unused_values,
)
from archdsl.lints.rule import Rule

RULES: Final[tuple[Rule, ...]] = (
    unused_values.RULE,
    never_read.RULE,
    few_sizes.RULE,
    heads_in_evaluation.RULE,
    channels_as_numbers.RULE,
    spoiled_scores.RULE,
    roots_of_negatives.RULE,
    beyond_the_run.RULE,
    uncalled_blocks.RULE,
    empty_ranges.RULE,
    unused_modules.RULE,
    strict_conditions.RULE,
    input_order.RULE,
)
