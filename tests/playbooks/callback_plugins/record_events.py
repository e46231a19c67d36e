# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)
"""What a run of a playbook did, as one JSON object a line in the file that RECORD_EVENTS names.

Owns the recording. Does not judge: recorded_run.py reads it. Rule: nothing is left out, whether people see it or not.
"""

from __future__ import annotations

import json
import os

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: record_events
type: notification
short_description: Every result of a run, as a line of JSON
description: For tests.
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "record_events"
    CALLBACK_NEEDS_ENABLED = True

    def _record(self, kind, result):
        told = result._result
        line = {
            "kind": kind,
            "host": result._host.get_name(),
            "task": result._task.get_name().rpartition(" : ")[2],
            "changed": bool(told.get("changed")),
            "msg": told.get("msg", ""),
            "results": told.get("results", [told]),
        }
        with open(os.environ["RECORD_EVENTS"], "a", encoding="utf-8") as file:
            file.write(json.dumps(line, default=str) + "\n")

    def v2_runner_on_ok(self, result):
        self._record("ok", result)

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self._record("ignored" if ignore_errors else "failed", result)

    def v2_runner_on_unreachable(self, result):
        self._record("unreachable", result)

    def v2_runner_on_skipped(self, result):
        self._record("skipped", result)
