"""Search spaces: the members of a network's space, which of them meet its conditions, and what they cost. Without PyTorch."""

from archdsl.spaces.counting import Count, count, draw_members, list_members
from archdsl.spaces.judge import Judge, Verdict
from archdsl.spaces.space import Dimension, Member, Space, alias_text, read_space

__all__ = [
    "Count", "Dimension", "Judge", "Member", "Space", "Verdict", "alias_text", "count", "draw_members", "list_members",
    "read_space",
]  # fmt: skip
