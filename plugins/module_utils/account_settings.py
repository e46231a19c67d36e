# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)

"""Which content cache an account's settings name: read and write, many accounts at once.

Owns the two spellings of the field on the wire. Does not own which accounts, nor which cache.
Rule: DTR answers ContentCacheUUID and wants contentCacheUUID; missing, null and empty all mean none.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from ansible_collections.dtr.caches.plugins.module_utils.errors import DtrError, NotFound, Unexpected

NONE = ""
PARALLEL_READS = 4
READ_AS, WRITE_AS = "ContentCacheUUID", "contentCacheUUID"


def content_cache_id(settings):
    """The UUID in an answer's settings, NONE if there is none. Raises Unexpected for anything else."""
    if not isinstance(settings, dict):
        raise Unexpected(
            "DTR answered with account settings that are no JSON object; check that dtr_url is DTR itself."
        )
    found = settings.get(READ_AS) or settings.get(WRITE_AS) or NONE
    if not isinstance(found, str):
        raise Unexpected(f"DTR answered with a {READ_AS} that is no text; check that dtr_url is DTR itself.")
    return found


class AccountSettings:
    """The settings of all accounts of one DTR, reached by a DtrClient."""

    def __init__(self, client):
        self._client = client

    def of(self, accounts):
        """({account: content cache UUID or NONE}, [accounts that DTR does not know]), both in the given order."""
        accounts = list(dict.fromkeys(accounts))
        with ThreadPoolExecutor(PARALLEL_READS) as pool:
            found = list(pool.map(lambda account: (account, self._read(account)), accounts))
        usage = {account: uuid for account, uuid in found if uuid is not None}
        return usage, [account for account, uuid in found if uuid is None]

    def point(self, accounts, cache_id):
        """Let every account use the cache. On trouble the error says which ones it reached, in ``details['done']``."""
        done = []
        for account in accounts:
            purpose = f"change the settings of account {account}"
            try:
                self._client.call(purpose, "PATCH", *_path(account), body={WRITE_AS: cache_id})
            except DtrError as failure:
                failure.message += f" Before that {len(done)} of {len(accounts)} accounts were changed; run it again."
                failure.details.update(done=done, changed=bool(done))
                raise
            done.append(account)

    def _read(self, account):
        purpose = f"read the settings of account {account}"
        try:
            answer = self._client.call(purpose, "GET", *_path(account))
        except NotFound as missing:
            if missing.code and missing.code != "NO_SUCH_USER":
                raise
            return None
        return content_cache_id(self._client.json(purpose, answer))


def _path(account):
    return ("api", "v0", "accounts", account, "settings")
