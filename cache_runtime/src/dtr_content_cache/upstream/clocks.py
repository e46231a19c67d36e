"""Whether an upstream's clock and ours agree. Pure.

A grant counts by two clocks: the origin writes its times, we compare them with ours. Where they are further apart than
`clockskew` allows, every pull is refused, and each refusal looks like the client's fault; so it is found here, before.
"""

from __future__ import annotations

_ROUNDING_S = 1.0  # a Date has whole seconds, and some time passes on its way


def disagreement(url: str, date_s: float | None, now_s: float, allowed_s: float) -> str | None:
    """A sentence where `date_s`, which the upstream `url` put into its answer, is further from `now_s` than allowed;
    None where it is not, or nothing is known."""
    if date_s is None:
        return None
    ahead_s = date_s - now_s
    if -allowed_s - 2 * _ROUNDING_S <= ahead_s <= allowed_s + _ROUNDING_S:
        return None
    how = f"{abs(ahead_s):.0f} s {'ahead of' if ahead_s > 0 else 'behind'}"
    return (
        f"{url}: its clock is {how} this host's, wanted at most {allowed_s:.0f} s (clockskew): grants are written by "
        "one clock and judged by the other, so let both be set by NTP"
    )
