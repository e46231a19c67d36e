# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)

"""What has to happen so that a name is registered with one host, or not at all.

Owns the decision, as a pure function on values, and the order of the steps.
The API has no update. A changed host therefore is: create the new cache, point the accounts of the old one at it,
delete the old one. If that breaks off, both are registered; the next run sees one with the wanted host and one without,
and finishes. A DTR that refuses a second cache of the same name gets a bridge: a cache of a longer name that holds the
accounts meanwhile. Rule: every state between two steps must be one that ``decide`` brings to its end.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from ansible_collections.dtr.caches.plugins.module_utils.content_caches import ContentCache, listed
from ansible_collections.dtr.caches.plugins.module_utils.errors import DtrError, DuplicateNames, InUse, Refusal
from ansible_collections.dtr.caches.plugins.module_utils.reconcile import Change
from ansible_collections.dtr.caches.plugins.module_utils.web_origin import same_origin

BRIDGE_SUFFIX = "-being-replaced"
NOWHERE = ""
FAIL, CLEAR, IGNORE = "fail", "clear", "ignore"


@dataclass(frozen=True)
class Plan:
    """``keep`` stays; ``create`` says that a cache is missing; ``remove`` goes, after its accounts went elsewhere.

    ``known`` are the ids of all caches that were there when this was decided.
    """

    name: str
    host: str
    keep: ContentCache | None = None
    create: bool = False
    remove: tuple = ()
    known: frozenset = frozenset()

    @property
    def changes(self):
        """Whether there is anything to do."""
        return self.create or bool(self.remove)


def decide(name, host, present, found):
    """The plan for ``name`` given all caches ``found``. ``host`` may be empty for an absent one.

    Raises DuplicateNames.
    """
    named = [one for one in found if one.name == name]
    bridges = [one for one in found if one.name == name + BRIDGE_SUFFIX]
    fitting = [one for one in named if host and same_origin(one.host, host)]
    others = [one for one in named if one not in fitting]
    if not present:
        return _absent(name, host, named, fitting, bridges)
    if len(fitting) > 1 or len(others) > 1:
        raise _duplicates(name, named)
    keep = fitting[0] if fitting else None
    return Plan(
        name, host, keep, create=keep is None, remove=tuple(others + bridges), known=frozenset(one.id for one in found)
    )


def _absent(name, host, named, fitting, bridges):
    if host:
        return Plan(name, host, remove=tuple(fitting))
    if len(named) > 1:
        raise _duplicates(name, named)
    return Plan(name, host, remove=tuple(named + bridges))


def _duplicates(name, named):
    return DuplicateNames(
        f"DTR has {len(named)} content caches named {name}: {listed(named)}. "
        "Remove the wrong ones first: state absent with name and host removes those of that host.",
        content_caches=[one.shown() for one in named],
    )


def users_of(caches, usage):
    """{account: host that it uses now}, sorted, of the accounts that use one of the caches.

    ``usage`` is {account: UUID}.
    """
    hosts = {one.id: one.host for one in caches}
    return {account: hosts[uuid] for account, uuid in sorted(usage.items()) if uuid in hosts}


def refuse_if_in_use(plan, users, policy):
    """Raise InUse if removing would pull a cache away under its accounts and the policy forbids that."""
    if users and policy == FAIL and not (plan.keep or plan.create):
        raise InUse(
            f"The content cache {plan.name} is still used by {len(users)} account(s): {', '.join(list(users)[:10])}"
            f"{' …' if len(users) > 10 else ''}. Point them elsewhere with dtr.caches.account_settings, "
            "or let this task do it with accounts_of_removed: clear.",
            accounts=list(users),
        )


def change_of(plan, users):
    """What a person sees as the difference: the registrations of the name, and the host of each moved account."""
    kept = [plan.keep] if plan.keep else []
    new_host = plan.keep.host if plan.keep else plan.host if plan.create else ""
    before = {"content_caches": [_line(one.name, one.host) for one in [*kept, *plan.remove]]}
    after = {"content_caches": [_line(one.name, one.host) for one in kept]}
    if plan.create:
        after["content_caches"].append(_line(plan.name, plan.host))
    if users:
        before["accounts"] = dict(users)
        after["accounts"] = dict.fromkeys(users, new_host)
    return Change(before, after)


def _line(name, host):
    return f"{name} at {host}"


def carry_out(plan, users, caches, settings):
    """Do it. ``users`` are the accounts to move. Returns the cache that is registered afterwards, or None."""
    kept = plan.keep
    if plan.create:
        try:
            kept = caches.create(plan.name, plan.host, plan.known)
        except Refusal as refused:
            if refused.status not in (400, 409) or not plan.remove:
                raise
            return _by_bridge(plan, users, caches, settings)
    with _half_done(plan.create):
        settings.point(users, kept.id if kept else NOWHERE)
        for cache in plan.remove:
            caches.delete(cache)
    return kept


def _by_bridge(plan, users, caches, settings):
    """The same for a DTR that refuses two caches of one name."""
    bridge_name = plan.name + BRIDGE_SUFFIX
    bridge = next((one for one in plan.remove if one.name == bridge_name and same_origin(one.host, plan.host)), None)
    bridge = bridge or caches.create(bridge_name, plan.host, plan.known)
    with _half_done():
        settings.point(users, bridge.id)
        for cache in plan.remove:
            if cache != bridge:
                caches.delete(cache)
        kept = caches.create(plan.name, plan.host, plan.known)
        settings.point(users, kept.id)
        caches.delete(bridge)
    return kept


@contextlib.contextmanager
def _half_done(changed=True):
    """A failure in here leaves something changed, and the result has to say so."""
    try:
        yield
    except DtrError as failure:
        failure.details["changed"] = changed or failure.details.get("changed", False)
        raise
