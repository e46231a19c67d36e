"""One cycle, whatever happens in it: what a campaign did not foresee is found like any other fault, with its place.

Rule for editors: only what interrupts the whole run (Ctrl-C, SIGTERM) gets past here.
"""

from __future__ import annotations

import shlex
import traceback
from pathlib import Path

from .campaign import Campaign, Found

_HERE = Path(__file__).parent
_MESSAGE_LIMIT = 300


def attempt(office: Campaign, seed: str) -> tuple[Found, bool]:
    """What the cycle found; whether `office` can go on: after an exception nobody knows what is left in it."""
    try:
        return office.cycle(seed), True
    except Exception as error:
        return Found(broken=[account(error)]), False


def account(error: Exception) -> str:
    """Type, message and place: the innermost line of this suite, and the innermost of all where that is another."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if Path(frame.filename).is_relative_to(_HERE)]
    places = dict.fromkeys(f"{Path(frame.filename).name}:{frame.lineno}" for frame in (*ours[-1:], *frames[-1:]))
    message = " ".join(str(error).split())[:_MESSAGE_LIMIT]
    return f"{type(error).__name__}: {message or 'without a word'} ({', in '.join(places)})"


def how_to_replay(name: str, seed: str) -> str:
    """The command, for the top of the checkout."""
    return f"make replay CAMPAIGN={shlex.quote(name)} SEED={shlex.quote(seed)}"
