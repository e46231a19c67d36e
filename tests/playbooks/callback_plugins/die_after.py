# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)
"""The controller dies, as by kill -9, with everything that it started, after the DIE_AFTER-th result of a run.

Rule: nothing is said and nothing tidied up, or it would not be a death.
"""

from __future__ import annotations

import os
import signal

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: die_after
type: notification
short_description: End the run in the middle
description: For tests of what a run that was cut off leaves behind.
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "die_after"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self):
        super().__init__()
        self._left = int(os.environ.get("DIE_AFTER", "0"))

    def _count(self, *_ignored, **_named):
        self._left -= 1
        if self._left == 0:
            os.killpg(0, signal.SIGKILL)

    v2_runner_on_ok = v2_runner_on_failed = v2_runner_on_skipped = _count
