"""Every rule, in the order of the codes. A new rule goes in here, and nowhere else."""

from __future__ import annotations

from typing import Final

from archdsl.lints import (
    batch_counted,
    beyond_the_run,
    chained_projections,
    channels_as_numbers,
    constants_of_rounds,
    counters_for_parts,
    empty_ranges,
    few_sizes,
    heads_in_evaluation,
    idle_values,
    input_order,
    keep_probabilities,
    large_epsilons,
    leaky_slopes,
    lone_branches,
    momentum_of_others,
    never_read,
    pytorch_order,
    roots_of_negatives,
    sizes_as_factors,
    spoiled_scores,
    stages_as_branches,
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
    pytorch_order.RULE,
    large_epsilons.RULE,
    momentum_of_others.RULE,
    batch_counted.RULE,
    keep_probabilities.RULE,
    leaky_slopes.RULE,
    idle_values.RULE,
    sizes_as_factors.RULE,
    lone_branches.RULE,
    stages_as_branches.RULE,
    constants_of_rounds.RULE,
    chained_projections.RULE,
    unused_modules.RULE,
    strict_conditions.RULE,
    counters_for_parts.RULE,
    input_order.RULE,
)
