"""The rooms of the map: who may import whom, who may touch files, how large a file may grow, what each opens with."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import dtr_content_cache
import pytest

SOURCE = Path(dtr_content_cache.__file__).parent
FILES = sorted(SOURCE.rglob("*.py"))
# As docs/architecture.md numbers them.
ROOMS = {
    "values": 0, "settings": 1, "admission": 1, "storage": 1, "upstream": 2, "retention": 2, "delivery": 3,
    "observation": 3, "web": 4, "sides": 5, "assembly": 5, "standing": 5, "telling": 5, "life": 5, "reloading": 5,
    "probe": 5, "__main__": 5, "__init__": 0,
}  # fmt: skip
LINES_LIMIT = 250
# Files with one idea that does not come apart.
LONGER = {"delivery/flight.py": 290}
# Whoever opens files that are not on the volume, and what for.
OPENERS = {
    "settings/loading.py": "the configuration",
    "settings/certificates.py": "certificates",
    "upstream/trust.py": "certificate authorities",
    "upstream/watched_files.py": "files of certificates",
    "web/tls.py": "certificates",
    "web/listener.py": "the unix socket's name",
    "web/status_page.py": "the parts of the page, which lie beside it",
    "web/client_stream.py": "sends from descriptors that storage opened",
    "web/parcel.py": "reads from descriptors that storage opened",
    "observation/outlet.py": "stdout and stderr",
}
FILE_CALLS = {
    "access", "chmod", "chown", "fdopen", "fsync", "ftruncate", "link", "listdir", "lstat", "makedirs", "mkdir", "open",
    "pread", "preadv", "pwrite", "read", "readlink", "remove", "removedirs", "rename", "replace", "rmdir", "scandir",
    "sendfile", "stat", "statvfs", "symlink", "truncate", "unlink", "utime", "walk", "write",
}  # fmt: skip
PATH_CALLS = {"read_text", "read_bytes", "write_text", "write_bytes", "iterdir", "glob", "rglob", "touch", "open"}


def name(file: Path) -> str:
    return str(file.relative_to(SOURCE))


def room(file: Path) -> str:
    parts = file.relative_to(SOURCE).with_suffix("").parts
    return parts[0]


def imported_rooms(file: Path) -> Iterator[str]:
    """The rooms of this package that `file` imports, wherever in it."""
    package = ["dtr_content_cache", *file.relative_to(SOURCE).parent.parts]
    for node in ast.walk(ast.parse(file.read_text())):
        modules: list[str] = []
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            stem = ".".join([*base, *([node.module] if node.module else [])])
            modules = [stem, *(f"{stem}.{alias.name}" for alias in node.names)]
        for module in modules:
            parts = module.split(".")
            if parts[0] == "dtr_content_cache" and len(parts) > 1 and parts[1] in ROOMS:
                yield parts[1]


@pytest.mark.parametrize("file", FILES, ids=name)
def test_a_room_imports_only_rooms_with_a_smaller_number_and_itself(file: Path) -> None:
    own = room(file)

    wrong = [other for other in imported_rooms(file) if other != own and ROOMS[other] >= ROOMS[own] and ROOMS[own] < 5]

    assert wrong == []


@pytest.mark.parametrize("file", FILES, ids=name)
def test_nobody_hears_observation_but_web_and_assembly(file: Path) -> None:
    if room(file) not in ("observation", "web", "assembly", "standing", "life"):
        assert "observation" not in set(imported_rooms(file))


def test_the_values_need_nothing_but_the_standard_library() -> None:
    import sys

    for file in (SOURCE / "values").glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                assert all(alias.name.split(".")[0] in sys.stdlib_module_names for alias in node.names), file
            elif isinstance(node, ast.ImportFrom) and not node.level:
                assert (node.module or "").split(".")[0] in sys.stdlib_module_names, file


def test_admission_and_the_choice_of_retention_know_neither_sockets_nor_files_nor_time() -> None:
    pure = [*(SOURCE / "admission").glob("*.py"), SOURCE / "retention/choice.py", SOURCE / "web/request_head.py"]
    for file in pure:
        for node in ast.walk(ast.parse(file.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert not {"os", "socket", "time", "asyncio", "pathlib"} & set(names), file


def file_calls(file: Path) -> list[str]:
    """Calls by which a file on some volume may be touched."""
    found = []
    for node in ast.walk(ast.parse(file.read_text())):
        if not isinstance(node, ast.Call):
            continue
        called = node.func
        if isinstance(called, ast.Name) and called.id == "open":
            found.append("open")
        elif isinstance(called, ast.Attribute):
            of = called.value
            if isinstance(of, ast.Name) and of.id in ("os", "shutil", "tempfile") and called.attr in FILE_CALLS:
                found.append(f"{of.id}.{called.attr}")
            if called.attr in PATH_CALLS and not _is_ours(of):
                found.append(called.attr)
    return found


def _is_ours(of: ast.expr) -> bool:
    """`files.open` is the seam; stores, exchanges and streams are opened and read, too."""
    last = of.attr if isinstance(of, ast.Attribute) else of.id if isinstance(of, ast.Name) else ""
    return last.lstrip("_") in ("files", "store", "exchanges", "self", "Connection", "stream", "os")


@pytest.mark.parametrize("file", FILES, ids=name)
def test_files_are_touched_in_one_place_and_by_the_few_that_are_named(file: Path) -> None:
    if name(file) == "storage/files.py":
        assert len(file_calls(file)) > 10, "the search must find the seam itself"
    elif name(file) not in OPENERS:
        assert file_calls(file) == []


def test_the_list_of_those_who_open_files_is_not_longer_than_the_truth() -> None:
    assert [opener for opener in OPENERS if not file_calls(SOURCE / opener)] == []


@pytest.mark.parametrize("file", FILES, ids=name)
def test_a_file_opens_with_what_it_is(file: Path) -> None:
    text = ast.get_docstring(ast.parse(file.read_text()))

    assert text, "a few lines: what it owns, what it does not, the rule for editors"
    assert len(text) > 15


@pytest.mark.parametrize("file", FILES, ids=name)
def test_a_file_is_no_longer_than_one_idea(file: Path) -> None:
    lines = len(file.read_text().splitlines())

    assert lines <= LONGER.get(name(file), LINES_LIMIT), "a second noun in a file wants a file of its own"


def test_no_file_is_named_after_what_it_is_not() -> None:
    vague = {"utils", "util", "helpers", "common", "misc", "manager", "managers", "tools"}

    assert [name(file) for file in FILES if vague & set(file.with_suffix("").relative_to(SOURCE).parts)] == []


def test_every_room_is_on_the_map() -> None:
    assert {room(file) for file in FILES} <= set(ROOMS)
