"""The page of messages: what a client is told, why admission refused, what the log says, each with cause and cure.

Owns finding every message in the code. The cures are docs/reference/cures.yml. Rule for editors: both must name the
same messages."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import dtr_content_cache.admission.grant as grant
import yaml
from dtr_content_cache.observation.sentences import Sentence, sentence
from dtr_content_cache.values import events, failures
from dtr_content_cache.web.answers import failure_answer
from tables import code, table

CURES = Path(__file__).resolve().parents[3] / "docs/reference/cures.yml"
_NOT_ANSWERED = {"Failure", "ConfigurationRefused", "DiscoveryRefused"}
# Events whose level or message follows what is in them.
_VARIANTS: dict[str, list[dict[str, Any]]] = {
    "FillEnded": [{"outcome": word} for word in ("stored", "not-stored", "failed", "wrong-bytes")],
    "DiscoveryRefreshed": [{"problem": "…"}, {"problem": "", "recalled": True}, {"problem": "", "recalled": False}],
    "Reloaded": [{"what": w, "problem": p} for w in ("configuration", "certificate", "authorities") for p in ("…", "")],
}


def sentences() -> dict[str, Sentence]:
    """Every sentence of the log by its message."""
    said = (sentence(event) for kind in get_args(events.Event) for event in _samples(kind))
    return {one.message: one for one in said if one is not None and one.message != "…"}


def _samples(kind: type) -> Iterator[Any]:
    if not dataclasses.is_dataclass(kind):
        return
    values = {"str": "…", "int": 1, "float": 1.0, "bool": False, "int | None": 1}
    usual = {field.name: values[str(field.type)] for field in dataclasses.fields(kind)}
    for variant in _VARIANTS.get(kind.__name__, [{}]):
        yield kind(**(usual | variant))


def reasons() -> list[str]:
    """Every reason for which a grant is refused, in the order of the checks."""
    calls = (node for node in ast.walk(ast.parse(inspect.getsource(grant))) if isinstance(node, ast.Call))
    first = (call.args[0] for call in calls if getattr(call.func, "id", "") == "GrantRefused" and call.args)
    return list(dict.fromkeys(str(one.value) for one in first if isinstance(one, ast.Constant)))


def answers() -> Iterator[tuple[str, str, str]]:
    """(what went wrong, status and code, message) for each failure that a client hears of."""
    for name, kind in inspect.getmembers(failures, inspect.isclass):
        if name in _NOT_ANSWERED or not issubclass(kind, failures.Failure):
            continue
        for argument in ("no-keys", "expired") if name == "GrantRefused" else ("…",):
            answer = failure_answer(kind(argument), "sha256:…")
            entry = json.loads(answer.body)["errors"][0]
            yield f"{name} {argument}".removesuffix(" …"), f"{answer.status} {entry['code']}", entry["message"]


def page() -> str:
    cures = yaml.safe_load(CURES.read_text(encoding="utf-8"))
    said, refused, told = sentences(), reasons(), list(answers())
    troubles = {text: one for text, one in said.items() if one.level in ("warn", "error")}
    _agree("answers", [name for name, _, _ in told], cures["answers"])
    _agree("refusals", refused, cures["refusals"])
    _agree("log", list(troubles), cures["log"])
    answer_rows = [(status, message, *_cure(cures["answers"][name])) for name, status, message in told]
    refusal_rows = [(code(reason), *_cure(cures["refusals"][reason])) for reason in refused]
    log_rows = [(*_spoken(one), *_cure(cures["log"][text])) for text, one in troubles.items()]
    quiet = [_spoken(one) for text, one in said.items() if text not in troubles]
    return f"""# Messages

Every answer and every sentence of this version's cache, with causes and cures. Start from what a *user* sees:
[troubleshooting](../troubleshooting.md). Mistakes in a configuration name file, line, key, what was found and what
is wanted, and need no table.

## What a client is told

Never a grant, a token, a path or an upstream's address; the log has the whole story, and `id=` of its access line
leads there.

{table(("status and code", "message", "cause", "cure"), answer_rows)}
## Why a grant was refused

In the log as `access refused reason=…`, in the answer as `detail.reason`, counted by `dtr_cache_refusals_total`.

{table(("reason", "cause", "cure"), refusal_rows)}
## What the log says when somebody should look

{table(("level", "message", "fields", "cause", "cure"), log_rows)}
## What the log says besides

{table(("level", "message", "fields"), quiet)}"""


def _spoken(one: Sentence) -> tuple[str, str, str]:
    return one.level, one.message, ", ".join(map(code, one.fields))


def _cure(entry: dict[str, str]) -> tuple[str, str]:
    return entry["cause"], entry["cure"]


def _agree(section: str, found: list[str], told: dict[str, Any]) -> None:
    missing, extra = [one for one in found if one not in told], [one for one in told if one not in found]
    if missing or extra:
        found = f"without a cure: {missing or 'none'}; without a message: {extra or 'none'}"
        raise ValueError(f"{CURES.name}, {section}: wanted a cure for each message and no other, found {found}")
