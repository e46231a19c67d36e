# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)

"""The life of one module run: options in, result or one sentence out.

Owns the join with Ansible. Knows nothing of caches. Rule: errors become ``fail_json`` here and nowhere else.
"""

from __future__ import annotations

import base64
import os
from urllib.parse import unquote

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.dtr.caches.plugins.module_utils.connection_options import (
    REQUIRED,
    connection_argument_spec,
    connection_from,
    secrets_at_hand,
)
from ansible_collections.dtr.caches.plugins.module_utils.errors import DtrError
from ansible_collections.dtr.caches.plugins.module_utils.http_transport import REQUESTS_ERROR


def dtr_module(argument_spec, mutually_exclusive=(), **kwargs):
    """An AnsibleModule with the connection options added. Every module of the collection supports check mode."""
    spec = dict(connection_argument_spec(), **argument_spec)
    return AnsibleModule(spec, supports_check_mode=True, mutually_exclusive=mutually_exclusive, **kwargs)


def run(module, work, credentials=REQUIRED, **on_failure):
    """Give the connection to ``work(connection)`` and leave with the result it returns, or with the error it raises.

    ``on_failure`` are result values that every failure has unless its details say otherwise.
    """
    hide_more_secrets(module)
    if REQUESTS_ERROR:
        module.fail_json(msg=missing_required_lib("requests"), exception=REQUESTS_ERROR)
    try:
        connection = connection_from(module.params, os.environ, credentials)
        if connection and connection.sends_secrets_in_clear:
            module.warn(f"The credentials of {connection.username} go to {connection.url} unencrypted; use https.")
        result = work(connection)
    except DtrError as failure:
        module.fail_json(msg=failure.message, **dict(on_failure, **failure.details))
    module.exit_json(**result)


def hide_more_secrets(module):
    """What Ansible does not hide by itself: a secret from the environment, the basic header that a server may echo, a
    password inside a URL.
    """
    params = module.params
    for secret in secrets_at_hand(params, os.environ):
        pair = f"{params['dtr_username'] or ''}:{secret}".encode()
        module.no_log_values.update((secret, base64.b64encode(pair).decode("ascii")))
    for value in params.values():
        if isinstance(value, str) and "://" in value and "@" in value:
            password = value.split("://", 1)[1].rsplit("@", 1)[0].partition(":")[2]
            module.no_log_values.update(one for one in (password, unquote(password)) if one)
