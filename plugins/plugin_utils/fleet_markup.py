# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)
"""The fleet's page: rows of fleet_judgement as one HTML file that needs nothing else. Pure.

Owns the drawing. Rule for editors: whatever a host or DTR said goes through `escape`; no script, nothing loaded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

from ansible_collections.dtr.caches.plugins.plugin_utils.amounts import say_bytes
from ansible_collections.dtr.caches.plugins.plugin_utils.fleet_style import STYLE

_WORDS = {"sick": "Sick", "care": "Needs a look", "well": "Healthy"}
_REGISTERED = {"right": "registered", "wrong": "registered wrongly", "missing": "not registered", "unknown": "unknown"}
NAMES_SHOWN = 12


def fleet_document(rows: Sequence[Mapping], made_at: str, dtr: str) -> str:
    """The whole file. `made_at` and `dtr` are words for the head."""
    counts = {state: sum(row["state"] == state for row in rows) for state in _WORDS}
    summary = " · ".join(f"{counts[state]} {_WORDS[state].lower()}" for state in _WORDS if counts[state])
    worst = next((state for state in _WORDS if counts[state]), "well")
    body = "\n".join(map(_region, rows)) or '<p class="empty">The inventory has no region yet.</p>'
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<title>{escape(summary)} – content caches</title>
<link rel="icon" href="data:,">
<style>{STYLE}</style>
</head>
<body>
<header><div class="name"><span class="mark" aria-hidden="true"></span>DTR content caches</div>
<p class="facts">{escape(made_at)} · {escape(dtr)}</p></header>
<main>
<section class="state" data-state="{worst}">
<h1><span class="lamp" aria-hidden="true"></span>{escape(_headline(counts, len(rows)))}</h1>
<p>{escape(summary)}</p>
</section>
{body}
</main>
</body>
</html>
"""


def _headline(counts: Mapping[str, int], regions: int) -> str:
    if counts["sick"]:
        return f"{counts['sick']} of {_many(regions, 'region', 'regions')} sick"
    if counts["care"]:
        return f"{counts['care']} of {_many(regions, 'region', 'regions')} to look at"
    return f"All of {_many(regions, 'region', 'regions')} healthy" if regions else "No region"


def _region(row: Mapping) -> str:
    title = escape(row["region"])
    anchor = f"region-{title}"
    badge = f'<span class="badge" data-state="{row["state"]}">{_WORDS[row["state"]]}</span>'
    known = f"{_REGISTERED[row['registered']]} in DTR as {escape(row['name'])}"
    return f"""<section class="region" aria-labelledby="{anchor}">
<div class="line"><h2 id="{anchor}">{title}</h2>{badge}</div>
<p class="facts"><code>{escape(row["address"])}</code> pulls from {escape(row["parent"])} · {known}</p>
{_reasons(row["why"], row["state"])}
<div class="hosts">{"".join(map(_host, row["hosts"]))}</div>
<p class="facts">{escape(_users(row))}</p>
</section>"""


def _host(host: Mapping) -> str:
    facts = [
        ("Version", host["version"] or "unknown", ""),
        ("Hits, 7 days", _percent(host["hit_ratio"]), _pulls(host)),
        ("Space", _bytes(host["used_bytes"]), f"{_bytes(host['free_bytes'])} free"),
        ("Certificate", _days(host["certificate_days"]), host["certificate_ends"]),
    ]
    cells = "".join(
        f"<div><dt>{name}</dt><dd>{escape(value)}</dd><dd class=\"under\">{escape(under)}</dd></div>"
        for name, value, under in facts
    )
    return f"""<article class="host"><h3><span class="dot" data-state="{host["state"]}"></span>{escape(host["host"])} \
<span class="word">{_WORDS[host["state"]].lower()}</span></h3>
{_reasons(host["why"], host["state"])}{_bar(host)}<dl class="figures">{cells}</dl></article>"""


def _bar(host: Mapping) -> str:
    """How much of what it may have it has."""
    free, used = host["free_bytes"], host["used_bytes"]
    whole = host["max_bytes"] or (used + free if used is not None and free is not None else None)
    if used is None or not whole:
        return ""
    return f'<progress max="{int(whole)}" value="{int(used)}" aria-label="Space that is used"></progress>'


def _reasons(reasons: Iterable[str], state: str) -> str:
    items = "".join(f"<li>{escape(str(reason))}</li>" for reason in reasons)
    return f'<ul class="reasons" data-state="{state}">{items}</ul>' if items else ""


def _users(row: Mapping) -> str:
    names = list(row["users"])
    more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
    who = f": {', '.join(names[:NAMES_SHOWN])}{more}" if names else ""
    return f"Used by {_many(len(names), 'account', 'accounts')}{who}"


def _many(count: int, one: str, more: str) -> str:
    return f"{count} {one if count == 1 else more}"


def _percent(ratio: float | None) -> str:
    return "–" if ratio is None else f"{int(100 * ratio)} %"


def _pulls(host: Mapping) -> str:
    if host["requests"]:
        return f"of {host['requests']} requests"
    return "no pull" if host["listens"] else "not told"


def _days(days: int | None) -> str:
    return "–" if days is None else "over" if days < 0 else _many(days, "day", "days")


def _bytes(count: float | None) -> str:
    return "–" if count is None else say_bytes(count)
