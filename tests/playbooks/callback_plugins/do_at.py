# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)
"""At the start of the task that DO_AT names, run the shell script that DO names, once, before the task does anything.

Rule: the run waits for the script, so that what happens "in the middle" happens at the same place every time.
"""

from __future__ import annotations

import os
import subprocess

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: do_at
type: notification
short_description: Let something happen at a named point of a run
description: For tests of what goes wrong while a playbook runs.
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "do_at"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self):
        super().__init__()
        self._at = os.environ.get("DO_AT", "")

    def v2_playbook_on_task_start(self, task, is_conditional):
        if self._at and task.get_name().rpartition(" : ")[2] == self._at:
            self._at = ""
            subprocess.run(["/bin/sh", os.environ["DO"]], check=True, stdin=subprocess.DEVNULL, timeout=60)
