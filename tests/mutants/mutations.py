"""The mistakes that a mutant makes.

One changed operator, constant, guard or name in a module's source.

Why not a library: those that are kept up run whole suites. They neither take a sample of a fixed
seed nor tell the kinds apart. What is needed of them is this page.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Change = tuple[str, "Callable[[], None]"]
"""What kind of mistake, and what makes it in the tree."""

_EDGES: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
}
_NEGATIONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
}
_OPPOSITES = {"min": "max", "max": "min", "any": "all", "all": "any"}


class Mutant(NamedTuple):
    """One mistake in one module.

    Its place among the module's, its kind, its line, and the whole source with it.
    """

    number: int
    kind: str
    line: int
    source: str


def places(source: str) -> int:
    """How many mutants a module has."""
    return len(_places(ast.parse(source)))


def mutant_of(source: str, number: int) -> Mutant:
    """One of a module's mutants, counted from 0.

    >>> [mutant_of("x = a < 2", number)[1::2] for number in range(places("x = a < 2"))]
    [('edge', 'x = a <= 2'), ('constant', 'x = a < 3')]
    """
    tree = ast.parse(source)
    kind, line, change = _places(tree)[number]
    change()
    return Mutant(number, kind, line, ast.unparse(tree))


def _places(tree: ast.Module) -> list[tuple[str, int, Callable[[], None]]]:
    return [
        (kind, getattr(node, "lineno", 0), change)
        for node in _code(tree)
        for kind, change in _changes(node)
    ]


def _code(tree: ast.AST) -> Iterator[ast.AST]:
    """The nodes that run: no annotations, and nothing that only type checkers see."""
    for name, value in ast.iter_fields(tree):
        if name in {"annotation", "returns"}:
            continue
        for node in value if isinstance(value, list) else [value]:
            if isinstance(node, ast.AST) and not (
                isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
            ):
                yield node
                yield from _code(node)


def _changes(node: ast.AST) -> Iterator[Change]:
    if isinstance(node, ast.Compare):
        for place, operator in enumerate(node.ops):
            for kind, others in (("edge", _EDGES), ("negation", _NEGATIONS)):
                if other := others.get(type(operator)):
                    yield (
                        kind,
                        lambda place=place, other=other: node.ops.__setitem__(  # type: ignore[misc]  # bound at once
                            place, other()
                        ),
                    )
    elif (
        isinstance(node, ast.BinOp)
        and (operator_type := _ARITHMETIC.get(type(node.op)))
        and not _is_text(node)
    ):
        yield "arithmetic", lambda: setattr(node, "op", operator_type())
    elif isinstance(node, ast.BoolOp):
        yield (
            "logic",
            lambda: setattr(node, "op", ast.Or() if isinstance(node.op, ast.And) else ast.And()),
        )
    elif isinstance(node, ast.If | ast.IfExp) and not isinstance(node.test, ast.Compare):
        yield "guard", lambda: setattr(node, "test", ast.UnaryOp(ast.Not(), node.test))
    elif (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in _OPPOSITES
    ):
        name = node.func
        yield "minimum or maximum", lambda: setattr(name, "id", _OPPOSITES[name.id])
    elif (
        isinstance(node, ast.Constant)
        and isinstance(node.value, int | float)
        and not isinstance(node.value, bool)
    ):
        number = node.value
        yield "constant", lambda: setattr(node, "value", number + 1)


def _is_text(node: ast.BinOp) -> bool:
    return any(
        isinstance(side, ast.JoinedStr)
        or (isinstance(side, ast.Constant) and isinstance(side.value, str | bytes))
        for side in (node.left, node.right)
    )
