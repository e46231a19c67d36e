"""All mistakes of a file that are worth a test, and the program's text with one of them in it. Pure.

Owns what is passed over by rule, and how a mistake is named so that its name outlives changes elsewhere. Rule for
editors: what is passed over is passed over for what it is (a docstring, an annotation, a text for people, a figure
chosen for speed), never because no test catches it: such are in equal.yml, each with its reason.
"""

from __future__ import annotations

import ast
import copy
import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from .operators import mistakes

Path = tuple[tuple[str, int | None], ...]  # field and index in it, from the module down

# Where a number that stands alone is a limit of what is admitted; elsewhere it was chosen for speed or patience.
_FIGURES_COUNT = ("admission/grant.py", "admission/keys.py", "admission/discovery_document.py")
_TYPE_FIELDS = frozenset({"annotation", "returns", "decorator_list", "bases", "keywords"})
_FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Mutant:
    """The `choice`-th mistake at `path` of `file` (below the package). `lines` are those of its statement up to it;
    `scope` is the function's qualified name, empty
    where the program reads it when the module is loaded; `names`: what is bound there then."""

    file: str
    line: int
    lines: range
    scope: str
    names: tuple[str, ...]
    path: Path
    choice: int
    old: str
    new: str
    key: str

    @property
    def room(self) -> str:
        return self.file.partition("/")[0]

    def __str__(self) -> str:
        return f"{self.file}:{self.line} {self.old} → {self.new}"


def find(file: str, text: str) -> list[Mutant]:
    """In the order of the text."""
    tree = ast.parse(text)
    found: list[Mutant] = []
    seen: Counter[str] = Counter()
    for path, node, owners in _walk(tree, (), (), file):
        scope, names, within = _place(path, owners)
        if scope.endswith("__init__") and isinstance(node, ast.Assign):
            continue  # what was never set fails at once
        for choice, changed in enumerate(mistakes(node)):
            old, new = _shown(node), _shown(changed)
            origin = hashlib.sha256(f"{file}\n{scope or names}\n{within}\n{old} → {new}".encode()).hexdigest()[:16]
            seen[origin] += 1
            key = f"{origin}.{seen[origin]}"
            lines = range(_statement_line(owners), _last_line(node) + 1)
            found.append(Mutant(file, _line(node), lines, scope, names, path, choice, old, new, key))
    return found


def mutated(text: str, mutant: Mutant) -> ast.Module:
    """The tree of `text` with the mistake in it."""
    tree = ast.parse(text)
    parent: ast.AST = tree
    for field, index in mutant.path[:-1]:
        parent = _child(parent, field, index)
    field, index = mutant.path[-1]
    node = _child(parent, field, index)
    changed = copy.deepcopy(list(mistakes(node))[mutant.choice])
    if hasattr(node, "lineno"):
        ast.copy_location(changed, node)
    if index is None:
        setattr(parent, field, changed)
    else:
        getattr(parent, field)[index] = changed
    return ast.fix_missing_locations(tree)


def _child(parent: ast.AST, field: str, index: int | None) -> ast.AST:
    child = getattr(parent, field)
    return child if index is None else child[index]


def _walk(
    node: ast.AST, path: Path, owners: tuple[tuple[ast.AST, int], ...], file: str
) -> Iterator[tuple[Path, ast.AST, tuple[tuple[ast.AST, int], ...]]]:
    """Every node that may become another, with its path and the definitions it stands in (and how deep those are)."""
    if path:
        yield path, node, owners
    if isinstance(node, ast.JoinedStr):
        return
    if isinstance(node, ast.ClassDef | ast.stmt | ast.Lambda) or not path:
        owners = (*owners, (node, len(path)))
    for field, value in ast.iter_fields(node):
        if field in _TYPE_FIELDS and isinstance(node, ast.ClassDef | ast.arg | ast.AnnAssign | _FUNCTIONS):
            continue
        children = enumerate(value) if isinstance(value, list) else [(None, value)]
        for index, child in children:
            if isinstance(child, ast.AST) and not _passed_over(child, node, file):
                yield from _walk(child, (*path, (field, index)), owners, file)


def _passed_over(node: ast.AST, parent: ast.AST, file: str) -> bool:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return True  # a docstring
    if isinstance(node, ast.Import | ast.ImportFrom):
        return True
    if isinstance(node, ast.ClassDef):
        return any(ast.unparse(base) in ("Protocol", "Enum") for base in node.bases)
    if isinstance(parent, ast.Module) and isinstance(node, ast.Assign):
        return _declares(node) or (file not in _FIGURES_COUNT and _is_figure(node.value))
    return False


def _is_figure(node: ast.AST) -> bool:
    if isinstance(node, ast.BinOp):
        return _is_figure(node.left) and _is_figure(node.right)
    return isinstance(node, ast.Constant) and isinstance(node.value, int | float)


def _declares(node: ast.Assign) -> bool:
    """`__all__`, a name for a type, a type variable."""
    is_alias = isinstance(node.value, ast.Subscript) or ast.unparse(node.value).startswith("TypeVar(")
    return is_alias or ast.unparse(node.targets[0]) == "__all__"


def _place(path: Path, owners: tuple[tuple[ast.AST, int], ...]) -> tuple[str, tuple[str, ...], str]:
    """(scope, names, text of the innermost definition): where the mistake takes effect."""
    qualified: list[str] = []
    outer: ast.AST | None = None
    for owner, depth in owners:
        field = path[depth][0] if depth < len(path) else ""
        if isinstance(owner, _FUNCTIONS):
            if field == "args":  # a default is read when the function is made
                return "", (owner.name, *(qualified[:1])), ast.unparse(owner)
            return ".".join([*qualified, owner.name]), (), ast.unparse(owner)
        if isinstance(owner, ast.ClassDef):
            qualified.append(owner.name)
        if isinstance(owner, ast.stmt):
            outer = owner
    return "", (*qualified[:1], *_bound_by(outer)), ast.unparse(outer) if outer is not None else ""


def _bound_by(node: ast.AST | None) -> tuple[str, ...]:
    if isinstance(node, ast.Assign):
        return tuple(ast.unparse(target) for target in node.targets)
    return (ast.unparse(node.target),) if isinstance(node, ast.AnnAssign) else ()


def _line(node: ast.AST) -> int:
    if isinstance(node, ast.comprehension):
        return node.target.lineno
    return getattr(node, "lineno", 0)


def _statement_line(owners: tuple[tuple[ast.AST, int], ...]) -> int:
    return max([owner.lineno for owner, _ in owners if isinstance(owner, ast.stmt)], default=0)


def _last_line(node: ast.AST) -> int:
    """A statement with a body ends with its condition here."""
    header = node.test if isinstance(node, ast.If | ast.While) else node
    return getattr(header, "end_lineno", None) or _line(node)


def _shown(node: ast.AST) -> str:
    """Its first line."""
    line = ast.unparse(ast.fix_missing_locations(copy.deepcopy(node))).strip().splitlines()
    return (line[0] if line else "")[:160]
