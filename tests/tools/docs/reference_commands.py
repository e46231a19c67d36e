"""The pages of commands and of the environment: what the programs say about themselves."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from dtr_content_cache.settings.policy import Honoured
from reference_configuration import entries, variable
from tables import code, table

TOP = Path(__file__).resolve().parents[3]
PROGRAMS = ("dtr-content-cache", "dtr-simulator", "dtr-simulator-image")
_OTHERS = (
    ("REGISTRY_CONFIGURATION_PATH", "the configuration file, where the command line names none"),
    ("HTTPS_PROXY, HTTP_PROXY, NO_PROXY", "the forward proxy to the upstreams; lower case counts as well"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "where traces go; without one there are none"),
    ("OTEL_TRACES_EXPORTER", "`otlp` or `none`"),
    ("OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES, OTEL_TRACES_SAMPLER", "as OpenTelemetry defines them"),
)


def _help(program: str) -> str:
    command = [str(Path(sys.executable).parent / program), "--help"]
    environment = os.environ | {"COLUMNS": "100", "NO_COLOR": "1"}
    return subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout.rstrip()


def page() -> str:
    said = "\n".join(f"## {program}\n\n```text\n{_help(program)}\n```\n" for program in PROGRAMS)
    return f"""# Commands

What the programs of this version say about themselves. Exit codes of `dtr-content-cache`: 0 good, 1 refused or
unhealthy, with the reason on standard error, 2 a wrong command line.

{said}
## make

{table(("target", "does"), _targets())}"""


def _targets() -> list[tuple[str, str]]:
    text = (TOP / "Makefile").read_text(encoding="utf-8")
    found = re.findall(r"^([a-z][a-zA-Z_-]*):.*?## (.+)$", text, re.MULTILINE)
    return [(code(f"make {name}"), does) for name, does in found]


def environment_page() -> str:
    keys = [(code(variable(path)), code(path)) for path, entry in entries() if isinstance(entry, Honoured)]
    fragment = (TOP / "plugins/doc_fragments/connection.py").read_text(encoding="utf-8")
    named = re.findall(r"^  (\w+):\n(?:    .*\n)*?.*E\((DTR_\w+)\)", fragment, re.MULTILINE)
    modules = [(code(name), code(option)) for option, name in named]
    return f"""# Environment

## The cache: keys of its configuration

The name is `REGISTRY_` and the key's path in capitals; list items by their number, so `…_UPSTREAMS_0`,
`…_UPSTREAMS_1`. The value is read as YAML, wins over the file, and an empty one takes the key away.

{table(("variable", "key"), keys)}
## The cache: the rest

{table(("variable", "meaning"), [(", ".join(map(code, name.split(", "))), text) for name, text in _OTHERS])}
## The collection's modules

They count where the option is not set. Playbooks set the options from the inventory.

{table(("variable", "option"), modules)}"""
