"""What a failure of a deployment is: a name, what makes it happen, and the words with which it must be told.

Rule for editors: `cause` is undone when its context ends, whatever the run did; what remains then is what the next
deployment finds.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from .office import DisturbedOffice

Variables = dict[str, Any]


@dataclass(frozen=True)
class Failure:
    """`cause(office)` is in force while its context lasts, and gives the run's extra variables. `says` are regular
    expressions, all of them found in what the failed tasks said: what is wrong, and what is wanted."""

    name: str
    says: tuple[str, ...]
    cause: Callable[[DisturbedOffice], AbstractContextManager[Variables]]
    needs_root: bool = False
    early: bool = False  # found before anything is changed, on the host or in DTR
    harmless: bool = False  # the deployment goes through, and the cache serves without what it lacks
    ends_the_cache: bool = False  # the one that ran before cannot run any more, by no fault of the deployment
