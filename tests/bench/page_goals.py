"""The goals on the page: how far off each is, and what stands in the way of those that are not met. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .goals import GOALS, Goal, Verdict, judge
from .tables import NAMES, table

_NOISE = (
    "*Within the noise*: by the slowest and the fastest rounds of the two, the ratio lies on either side of the goal."
)


def goals(report: Mapping[str, Any]) -> str:
    rows = [_row(judge(goal, report)) for goal in GOALS]
    told = table(("line", "figure", "against", "goal", "worst cell", "found", "by the rounds", ""), rows)
    return f"{told}\n\n{_NOISE}"


def _row(verdict: Verdict) -> tuple[str, ...]:
    goal = verdict.goal
    sign, unit = "≤" if goal.at_most else "≥", " ×" if goal.peer else ""
    met = {True: "met", False: "**not met**", None: "not measured"}[verdict.met]
    met += ", within the noise" if verdict.within_the_noise else ""
    scale = goal.sizes[0] if goal.figure == "upstream_bytes" else 1  # told as multiples of the blob
    found = "" if verdict.worst is None else f"{verdict.worst / scale:.3g}{unit}"
    spread = f"{verdict.low:.3g}–{verdict.high:.3g}" if verdict.low < verdict.high else ""
    bound = f"{sign} {goal.bound / scale:.3g}{unit}"
    return goal.line, NAMES[goal.figure], goal.peer or "absolute", bound, verdict.where, found, spread, met


def reasons(report: Mapping[str, Any]) -> list[str]:
    lines: dict[str, list[str]] = {}
    for verdict in (judge(goal, report) for goal in GOALS):
        why = verdict.goal.why(report) if verdict.met is False and verdict.goal.why else ""
        if why:
            lines.setdefault(why, []).append(_named(verdict.goal))
    told = [f"- {'; '.join(missing)}: {why}." for why, missing in lines.items()]
    return ["### What stands in the way of the rest", "\n".join(told)] if told else []


def _named(goal: Goal) -> str:
    return f"{goal.line}, {NAMES[goal.figure]}" + (f" against {goal.peer}" if goal.peer else "")
