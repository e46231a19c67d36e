"""What one piece of the program may become: the small mistakes that a programmer makes. Pure, on syntax trees.

Owns the kinds of mistakes, and which texts are for people. Rule for editors: each mistake is one node of the tree put
in the place of another; a change that nobody could notice, whatever the program does, is no mistake.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator

_COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_REVERSED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.GtE,
    ast.LtE: ast.Gt,
    ast.Gt: ast.LtE,
    ast.GtE: ast.Lt,
}
_COUNTED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}
_OPPOSITES = {"min": "max", "max": "min", "any": "all", "all": "any"}
_MARK = "XX"


def mistakes(node: ast.AST) -> Iterator[ast.AST]:
    """Each node that could stand in the place of `node` by mistake."""
    maker = _MAKERS.get(type(node))
    if maker is not None:
        yield from maker(node)


def _compare(node: ast.Compare) -> Iterator[ast.AST]:
    for index, operator in enumerate(node.ops):
        for table in (_COMPARED, _REVERSED):
            if type(operator) in table:
                changed = copy.deepcopy(node)
                changed.ops[index] = table[type(operator)]()
                yield changed


def _bool_op(node: ast.BoolOp) -> Iterator[ast.AST]:
    yield ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
    for left_out in node.values:
        rest = [value for value in node.values if value is not left_out]
        yield ast.BoolOp(node.op, rest) if len(rest) > 1 else rest[0]


def _unary_op(node: ast.UnaryOp) -> Iterator[ast.AST]:
    if isinstance(node.op, ast.Not | ast.USub):
        yield node.operand


def _bin_op(node: ast.BinOp) -> Iterator[ast.AST]:
    if isinstance(node.op, ast.BitOr) and _is_class(node.right):
        yield from (node.left, node.right)  # `isinstance(x, A | B)`
    elif type(node.op) in _COUNTED and not (isinstance(node.op, ast.Mod) and is_text(node.left)):
        yield ast.BinOp(node.left, _COUNTED[type(node.op)](), node.right)


def _constant(node: ast.Constant) -> Iterator[ast.AST]:
    value = node.value
    if isinstance(value, bool):
        yield ast.Constant(not value)
    elif isinstance(value, int | float):
        yield ast.Constant(value + 1)
    elif isinstance(value, str | bytes) and not is_for_people(node):
        yield ast.Constant(value + (_MARK if isinstance(value, str) else _MARK.encode()))


def _joined(node: ast.JoinedStr) -> Iterator[ast.AST]:
    if not is_for_people(node):
        yield ast.BinOp(node, ast.Add(), ast.Constant(_MARK))


def _is_class(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id[:1].isupper() and not node.id.isupper()


def is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str | bytes))


def is_for_people(node: ast.Constant | ast.JoinedStr) -> bool:
    """A text of more than one word is read by people, and says nothing to the program."""
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    texts = [part.value for part in parts if isinstance(part, ast.Constant)]
    return any((b" " if isinstance(text, bytes) else " ") in text.strip() for text in texts)


def _condition(node: ast.If | ast.While | ast.IfExp) -> Iterator[ast.AST]:
    if not isinstance(node.test, ast.Compare | ast.UnaryOp | ast.Constant):
        changed = copy.copy(node)
        changed.test = ast.UnaryOp(ast.Not(), node.test)
        yield changed


def _comprehension(node: ast.comprehension) -> Iterator[ast.AST]:
    for left_out in node.ifs:
        yield ast.comprehension(node.target, node.iter, [one for one in node.ifs if one is not left_out], node.is_async)


def _call(node: ast.Call) -> Iterator[ast.AST]:
    if isinstance(node.func, ast.Name) and node.func.id in _OPPOSITES:
        yield ast.Call(ast.Name(_OPPOSITES[node.func.id], ast.Load()), node.args, node.keywords)


def _slice(node: ast.Slice) -> Iterator[ast.AST]:
    if node.lower is not None:
        yield ast.Slice(None, node.upper, node.step)
    if node.upper is not None:
        yield ast.Slice(node.lower, None, node.step)


def _left_out(node: ast.stmt) -> Iterator[ast.AST]:
    yield ast.Pass()


def _statement(node: ast.Expr) -> Iterator[ast.AST]:
    if isinstance(node.value, ast.Call | ast.Await):
        yield ast.Pass()


def _assigned(node: ast.Assign) -> Iterator[ast.AST]:
    if all(isinstance(target, ast.Attribute | ast.Subscript) for target in node.targets):
        yield ast.Pass()


def _counted_up(node: ast.AugAssign) -> Iterator[ast.AST]:
    yield ast.Assign([node.target], node.value, lineno=node.lineno)
    if type(node.op) in _COUNTED:
        yield ast.AugAssign(node.target, _COUNTED[type(node.op)](), node.value)


def _return(node: ast.Return) -> Iterator[ast.AST]:
    if node.value is None:
        yield ast.Pass()
    elif not (isinstance(node.value, ast.Constant) and not node.value.value):
        yield ast.Return(None)  # instead of nothing or False it would be the same to everybody


def _continue(node: ast.Continue) -> Iterator[ast.AST]:
    yield ast.Pass()
    yield ast.Break()


def _handler(node: ast.ExceptHandler) -> Iterator[ast.AST]:
    if isinstance(node.type, ast.Tuple):
        for left_out in node.type.elts:
            changed = copy.copy(node)
            changed.type = ast.Tuple([one for one in node.type.elts if one is not left_out], ast.Load())
            yield changed


_MAKERS = {
    ast.Compare: _compare,
    ast.BoolOp: _bool_op,
    ast.UnaryOp: _unary_op,
    ast.BinOp: _bin_op,
    ast.Constant: _constant,
    ast.JoinedStr: _joined,
    ast.If: _condition,
    ast.While: _condition,
    ast.IfExp: _condition,
    ast.comprehension: _comprehension,
    ast.Call: _call,
    ast.Slice: _slice,
    ast.Expr: _statement,
    ast.Assign: _assigned,
    ast.AugAssign: _counted_up,
    ast.Raise: _left_out,
    ast.Delete: _left_out,
    ast.Break: _left_out,
    ast.Return: _return,
    ast.Continue: _continue,
    ast.ExceptHandler: _handler,
}
