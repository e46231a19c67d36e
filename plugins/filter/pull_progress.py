# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)
"""How far a row of pulls is: what, how much, how fast, how long still. Pure, the time is passed in.

Owns the sentence. Rule for editors: one short line, for it is printed after each image, on terminals and in logs."""

from __future__ import annotations

DOCUMENTATION = r"""
name: pull_progress
short_description: How far a row of pulls is
version_added: 0.1.0
description:
  - Says after each image how many of how many are done, how many bytes of how many, how fast, and how long the rest
    may take.
options:
  _input:
    description: Results of M(dtr.caches.image_pull) in check mode, one for each image in the order of the pulls.
    type: list
    elements: dict
    required: true
  done:
    description: How many of them have been pulled.
    type: int
    required: true
  seconds:
    description: Time since the first of them began.
    type: float
    required: true
author:
  - The dtr.caches maintainers (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Say how far it is
  ansible.builtin.debug:
    msg: "{{ plan.results | dtr.caches.pull_progress(2, 60) }}"
  vars:
    plan:
      results:
        - {image: "org/app:1.0", blobs: [{bytes: 400000000}]}
        - {image: "org/app:2.0", blobs: [{bytes: 500000000}]}
        - {image: "org/app:3.0", blobs: [{bytes: 600000000}]}
"""

RETURN = r"""
_value:
  description: One line.
  type: str
  sample: "org/app:2.0, 2 of 3 images, 900.0 MB of 1.5 GB, 15.0 MB/s, about 40 s left"
"""

from collections.abc import Callable, Mapping, Sequence

from ansible_collections.dtr.caches.plugins.plugin_utils.amounts import say_bytes, say_seconds


def pull_progress(plans: Sequence[Mapping], done: int, seconds: float) -> str:
    """The line after `done` of `plans`, `seconds` after the first began."""
    done = int(done)
    sizes = [sum(int(blob["bytes"]) for blob in plan.get("blobs") or []) for plan in plans]
    so_far, all_of_it = sum(sizes[:done]), sum(sizes)
    images = "image" if len(sizes) == 1 else "images"
    told = [f"{done} of {len(sizes)} {images}", f"{say_bytes(so_far)} of {say_bytes(all_of_it)}"]
    if done:
        told.insert(0, str(plans[done - 1].get("image", "")))
    if so_far and float(seconds) > 0:
        rate = so_far / float(seconds)
        told.append(f"{say_bytes(rate)}/s")
        if so_far < all_of_it:
            told.append(f"about {say_seconds((all_of_it - so_far) / rate)} left")
    return ", ".join(told)


class FilterModule:
    """Tells Ansible the filter's name."""

    def filters(self) -> dict[str, Callable]:
        return {"pull_progress": pull_progress}
