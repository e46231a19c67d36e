"""Renders the role's configuration as Ansible does, for many hosts' variables in one run.

Owns: rendering. Does not own: what the configuration should say (the tests beside this file). Rule: nothing of the
role is copied here; its own defaults, variables and templates are what is rendered."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "playbooks" / "demo")]

from role_files import ROLES, ROOT  # noqa: E402

_PLAYBOOK = """
- hosts: localhost
  connection: local
  gather_facts: false
  vars_files: [{defaults}, {variables}]
  vars:
    ansible_python_interpreter: "{{{{ ansible_playbook_python }}}}"
  tasks:
    - ansible.builtin.copy:
        dest: {here}/rendered.json
        content: >-
          {{%- set texts = {{}} -%}}
          {{%- for name, case in cases.items() -%}}
          {{%- set _ = texts.update({{name: lookup('ansible.builtin.template', 'case.j2', template_vars=case)}}) -%}}
          {{%- endfor -%}}
          {{{{ texts | to_json }}}}
"""


@pytest.fixture(scope="session")
def render(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Mapping[str, Mapping], str], dict[str, str]]:
    """render(cases, expression) → text of the expression for each case's variables, by the case's name."""

    def rendered(cases: Mapping[str, Mapping], expression: str) -> dict[str, str]:
        here = tmp_path_factory.mktemp("render")
        (here / "templates").mkdir()
        for template in (ROLES / "cache_host" / "templates").iterdir():
            (here / "templates" / template.name).symlink_to(template)
        (here / "templates" / "case.j2").write_text(expression, encoding="utf-8")
        role = ROLES / "cache_host"
        text = _PLAYBOOK.format(here=here, defaults=role / "defaults/main.yml", variables=role / "vars/main.yml")
        (here / "play.yml").write_text(text, encoding="utf-8")
        (here / "cases.json").write_text(json.dumps({"cases": cases}), encoding="utf-8")
        _run_ansible(["ansible-playbook", "-i", "localhost,", "play.yml", "-e", "@cases.json"], here)
        return json.loads((here / "rendered.json").read_text(encoding="utf-8"))

    return rendered


def _run_ansible(command: list[str], folder: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")} | {
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".ansible" / "collections"),
        "ANSIBLE_HOME": str(folder / "ansible"),
        "ANSIBLE_REMOTE_TEMP": str(folder / "ansible" / "tmp"),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_LOCALHOST_WARNING": "0",
    }
    command[0] = str(Path(sys.executable).parent / command[0])
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=110)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def ansible(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """ansible(program, argument…) → what it printed."""
    return lambda *command: _run_ansible(list(command), tmp_path_factory.mktemp("ansible"))
