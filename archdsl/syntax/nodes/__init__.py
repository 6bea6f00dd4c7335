"""The syntax tree: records with spans, without behaviour.

Every character of a file belongs to a node or is trivia between nodes.
"""

from archdsl.syntax.nodes.base import Node, Visitor, children, node_at, walk
from archdsl.syntax.nodes.definitions import (
    Alias,
    Block,
    Constant,
    Definition,
    File,
    Import,
    Item,
    Network,
    Train,
    unread,
)
from archdsl.syntax.nodes.expressions import (
    Argument,
    Attribute,
    CallExpr,
    Chain,
    Choice,
    Comprehension,
    Domain,
    Expr,
    Index,
    ListExpr,
    Literal,
    Missing,
    Name,
    Parameter,
    Parenthesized,
    Pattern,
    RangeExpr,
    Template,
    Unary,
    Unread,
    bare,
    names,
)
from archdsl.syntax.nodes.statements import (
    Arm,
    Aux,
    Body,
    CallStage,
    Declaration,
    Expect,
    For,
    Group,
    If,
    Init,
    Input,
    Join,
    Label,
    Let,
    Output,
    Pipeline,
    Repeat,
    Setting,
    Skip,
    Skipped,
    Stage,
    Statement,
)

__all__ = [
    "Alias", "Argument", "Arm", "Attribute", "Aux", "Block", "Body", "CallExpr", "CallStage", "Chain", "Choice",
    "Comprehension", "Constant", "Declaration", "Definition", "Domain", "Expect", "Expr", "File", "For", "Group", "If", "Import",
    "Index", "Init", "Input", "Item", "Join", "Label", "Let", "ListExpr", "Literal", "Missing", "Name", "Network", "Node",
    "Output", "Parameter", "Parenthesized", "Pattern", "Pipeline",
    "RangeExpr", "Repeat", "Setting", "Skip", "Skipped", "Stage", "Statement", "Template", "Train", "Unary", "Unread",
    "Visitor", "bare", "children", "names", "node_at", "unread", "walk",
]  # fmt: skip
