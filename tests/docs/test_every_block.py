"""No command, file or output stands in the documentation without a proof. What runs nowhere but at an operator's
place is held against what this checkout knows: options of the cache, variables of the roles, playbooks, targets,
options of the programs."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
import sequence
import yaml
from blocks import KINDS, PAGES, TOP, Block, all_blocks
from doubles.certificates import Authority
from dtr_content_cache.__main__ import main
from known_names import mistakes

ENDS = (";", "&&", "||", "|", "&", "(", ")")
# Commands of machines and clusters that this one is not: their arguments are the operator's.
ELSEWHERE = frozenset(
    ("kubectl", "systemctl", "systemd-sysusers", "journalctl", "chown", "cp", "mkdir", "cd", ".", "export")
)


def test_every_block_of_every_page_names_its_proof():
    bare = [str(block) for block in all_blocks() if block.kind not in KINDS]
    assert bare == [], f"wanted <!-- proof: … --> before each, one of {', '.join(KINDS)}"


def test_every_page_is_read():
    assert len(PAGES) > 25
    assert len(all_blocks("run")) > 12


@pytest.mark.parametrize("block", all_blocks("config"), ids=str)
def test_each_configuration_is_what_the_cache_calls_good(block: Block, tmp_path: Path, capsys):
    authority = Authority("an office")
    for name in re.findall(r"/certs/([a-z-]+)\.pem", block.text):
        (tmp_path / f"{name}.pem").write_bytes(authority.pem)
    authority.issue(tmp_path, name="cache")
    (tmp_path / "config.yml").write_text(block.text.replace("/certs/", f"{tmp_path}/"), encoding="utf-8")
    assert main(["--check", str(tmp_path / "config.yml")]) == 0, f"{block}: {capsys.readouterr().err}"
    assert "warning" not in capsys.readouterr().err


@pytest.mark.parametrize("block", all_blocks("variables"), ids=str)
def test_each_variable_is_one_of_the_collection_and_may_hold_what_is_shown(block: Block):
    assert mistakes(yaml.safe_load(block.text)) == [], str(block)


@pytest.mark.parametrize("block", all_blocks("play"), ids=str)
def test_each_play_is_one_that_ansible_reads(block: Block, tmp_path: Path):
    plays = yaml.safe_load(block.text)
    for role in (role for play in plays for role in play["roles"]):
        assert mistakes(role["vars"]) == [], str(block)
    (tmp_path / "play.yml").write_text(block.text, encoding="utf-8")
    done = _ansible("--syntax-check", str(tmp_path / "play.yml"))
    assert done.returncode == 0, f"{block}: {done.stdout}{done.stderr}"


@pytest.mark.parametrize("block", all_blocks("tree"), ids=str)
def test_each_folder_of_a_map_is_there(block: Block):
    there = set()
    for _, folders, _ in os.walk(TOP):
        folders[:] = [name for name in folders if name not in ("build", ".venv")]  # what make made
        there.update(folders)
    told = {name.rstrip("/").rpartition("/")[2] for name in re.findall(r"[\w./-]+/(?=[\s,;]|$)", block.text)}
    assert told - there == set(), str(block)


@pytest.mark.parametrize("block", all_blocks("picture"), ids=str)
def test_a_picture_hides_no_command(block: Block):
    assert block.language == "", str(block)


@pytest.mark.parametrize("block", all_blocks("drawing"), ids=str)
def test_each_drawing_can_be_drawn(block: Block):
    assert "<svg" in sequence.draw(sequence.read(block.text))


@pytest.mark.parametrize("block", all_blocks("command", "run", "wheel"), ids=str)
def test_each_command_is_one_that_there_is(block: Block):
    subprocess.run(["bash", "-n"], input=block.text, text=True, check=True, capture_output=True)
    if block.kind != "command":
        return  # it runs for real
    for words in _commands(block.text):
        problem = _problem(words)
        assert not problem, f"{block}: {' '.join(words)}: {problem}"


def _commands(text: str) -> list[list[str]]:
    """The simple commands of a block, without variables set before them and without redirections."""
    lines, found = text.replace("\\\n", " ").splitlines(), []
    for line in lines:
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        words: list[str] = []
        for word in [*lexer, ";"]:
            if word not in ENDS:
                words.append(word)
            elif words:
                found.append([one for at, one in enumerate(words) if at or "=" not in one])
                words = []
    return [words for words in found if words]


def _problem(words: list[str]) -> str:
    program = words[0]
    judges = {"make": _make, "ansible-playbook": _playbook, "docker": _docker, "ansible-galaxy": lambda words: "",
              "openssl": _openssl}
    if program in judges:
        return judges[program](words)
    return "" if program in ELSEWHERE else f"no test knows {program}"


def _make(words: list[str]) -> str:
    targets = re.findall(r"^([a-z][a-z-]*):", (TOP / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    unknown = [word for word in words[1:] if "=" not in word and word not in targets]
    return f"no target {unknown}" if unknown else ""


def _playbook(words: list[str]) -> str:
    if not any(_is_playbook(word) for word in words[1:]):
        return "no playbook of the collection"
    given = [value for option, value in pairwise(words) if option == "-e"]
    variables = {}
    for value in given:
        variables |= json.loads(value) if value.startswith("{") else dict([value.split("=", 1)])
    options = set(re.findall(r"(?<!\S)--?[a-z-]+", _ansible("--help").stdout))
    unknown = [word for word in words if re.fullmatch("--?[a-z][a-z-]*", word) and word not in options]
    return "; ".join(mistakes(variables) + ([f"unknown options {unknown}"] if unknown else []))


def _is_playbook(word: str) -> bool:
    if word.startswith("dtr.caches."):
        word = f"playbooks/{word.removeprefix('dtr.caches.')}.yml"
    return word.startswith("playbooks/") and (TOP / word).is_file()


def _docker(words: list[str]) -> str:
    if not shutil.which("docker"):
        pytest.skip("the program docker is not installed")
    sub = [word for word in words[1:4] if re.fullmatch("[a-z]+", word)]
    for count in (2, 1):
        done = subprocess.run(["docker", *sub[:count], "--help"], capture_output=True, text=True, check=False)
        if done.returncode == 0 and "Usage:" in done.stdout:
            options = set(re.findall(r"(?<!\S)--?[a-z-]+", done.stdout))
            unknown = [word for word in words if word.startswith("--") and word.split("=")[0] not in options]
            return f"unknown options {unknown}" if unknown else ""
    return "docker has no such command"


def _openssl(words: list[str]) -> str:
    done = subprocess.run(["openssl", words[1], "-help"], capture_output=True, text=True, check=False)
    options = set(re.findall(r"(?<!\S)-[a-z0-9*]+", done.stdout + done.stderr))
    # Digests stand for themselves in its help, as "-*".
    unknown = [word for word in words[2:] if word.startswith("-") and word not in options and word != "-sha256"]
    return f"unknown options {unknown}" if unknown else ""


def _ansible(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).parent / "ansible-playbook"), "-i", "localhost,", *arguments]
    environment = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "COLUMNS": "200", "LC_ALL": "C.UTF-8",
                   "ANSIBLE_HOME": str(TOP / "build/.ansible-docs"),
                   "ANSIBLE_COLLECTIONS_PATH": str(TOP / ".ansible/collections")}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
