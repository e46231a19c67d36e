#!/usr/bin/python
# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)
# That licence is compatible with the GNU General Public License v3.0, which Ansible itself is under.

"""Task door of a pull. The sequence is module_utils/registry_pull.py."""

from __future__ import annotations

DOCUMENTATION = r"""
module: image_pull
short_description: Pull an image through the content caches, without Docker
version_added: 0.1.0
description:
  - Pulls an image as an account, the way a Docker client does, with token, manifest, redirects and resumption after a
    cut.
  - Every byte is verified against its digest and thrown away. Nothing is stored on the host that runs the module.
  - Reports for each blob who served it, whether it was a hit, how many bytes and how many seconds.
  - Use it to verify a deployment, or to fill a cache before people come to work.
  - The task never reports a change. What a cache stores while it serves is the cache's own business.
author:
  - The dtr.caches maintainers (!UNKNOWN)
extends_documentation_fragment:
  - dtr.caches.connection
  - dtr.caches.attributes
  - dtr.caches.attributes.action_group
attributes:
  check_mode:
    support: full
    details:
      - Reads the manifest with the account's rights and reports its blobs without pulling them. No cache is filled.
  diff_mode:
    support: N/A
    details: It changes nothing.
  idempotent:
    support: full
options:
  image:
    description:
      - The image, as C(org/name:tag) or C(org/name@sha256:...), with or without DTR's host in front.
      - Without a tag it is C(latest).
    type: str
    required: true
  platform:
    description: The platform to take from a multi-platform image, as C(os/architecture) or C(os/architecture/variant).
    type: str
    default: linux/amd64
  expect_cache:
    description:
      - Address of the content cache that every blob must come from, as C(http(s)://host[:port]).
      - When another host answers, the task fails and names the blob and that host.
      - DTR's own address expects that no cache is in the way.
    type: str
  cache_ca_path:
    description:
      - File with the CA certificates, PEM encoded, that the content cache's certificate is verified with, besides the
        trust store of the host that runs the module. Without it O(ca_path) is taken.
    type: path
  parallel:
    description: How many blobs are pulled at the same time, 1 to 16. Docker pulls three.
    type: int
    default: 3
  bandwidth:
    description:
      - Limit for all parallel downloads together, in bytes per second, as C(500KB), C(2MB). A K is 1024.
      - A pull that only warms a cache leaves the line to others this way.
    type: str
  dtr_username:
    description:
      - Name of the DTR account that pulls. Without it only public repositories can be pulled.
      - If not set, the environment variable E(DTR_USERNAME) is used.
seealso:
  - module: dtr.caches.account_settings
notes:
  - Layers that must be downloaded from their vendor by licence (foreign layers) are reported in RV(foreign_layers) and
    never fetched.
"""

EXAMPLES = r"""
- name: Every layer must come from the cache in Singapore
  dtr.caches.image_pull:
    dtr_url: https://dtr.example.com
    dtr_username: alice
    dtr_token: "{{ alice_token }}"
    ca_path: /etc/dtr/ca.pem
    image: engineering/app:1.4
    expect_cache: https://cache-asia.example.com:5000
    cache_ca_path: /etc/dtr/asia-ca.pem
  delegate_to: localhost

- name: Fill the cache at night with a tenth of the line
  dtr.caches.image_pull:
    dtr_url: https://dtr.example.com
    dtr_username: warmer
    dtr_password: "{{ warmer_password }}"
    image: engineering/app:1.5
    parallel: 1
    bandwidth: 1MB
  delegate_to: localhost

- name: An account without rights is refused
  dtr.caches.image_pull:
    dtr_url: https://dtr.example.com
    dtr_username: mallory
    dtr_password: "{{ mallory_password }}"
    image: engineering/app:1.4
  delegate_to: localhost
  register: refused
  failed_when: not refused.denied | default(false)
"""

RETURN = r"""
image:
  description: The image that was asked for, in full. On failure as it was given.
  returned: always
  type: str
  sample: engineering/app:1.4
digest:
  description: Digest of the manifest that the image stands for on this platform.
  returned: success
  type: str
  sample: sha256:0d2b4f3c5a5fd3bb2d6b6d63f3c1a8be2a3be5a3ff4d3d0d5bb2a0b3e1f1a111
platform:
  description: The platform that was asked for.
  returned: success
  type: str
  sample: linux/amd64
pulled:
  description: Whether the blobs were pulled. False in check mode.
  returned: success
  type: bool
  sample: true
blobs:
  description:
    - One entry for each blob (config and layers) in the manifest's order. In check mode only RV(blobs[].digest),
      RV(blobs[].bytes) and RV(blobs[].media_type).
    - On failure, those that were pulled completely before.
  returned: success, and failure while pulling blobs
  type: list
  elements: dict
  contains:
    digest:
      description: Digest of the blob.
      type: str
      sample: sha256:4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945
    bytes:
      description: Its length.
      type: int
      sample: 8388608
    media_type:
      description: What the manifest says it is.
      type: str
      sample: application/vnd.oci.image.layer.v1.tar+gzip
    seconds:
      description: From the first request to the verdict.
      type: float
      sample: 1.203
    served_by:
      description: Address of the host that sent the bytes, a cache's or DTR's own.
      type: str
      sample: https://cache-asia.example.com:5000
    cache_status:
      description: The Cache-Status header of the (first) answer, empty if there was none.
      type: str
      sample: dtr-content-cache; hit
    hit:
      description: Whether RV(blobs[].cache_status) says that the cache had it.
      type: bool
      sample: true
    resumed:
      description: How many times the download went on after a cut.
      type: int
      sample: 0
    verified:
      description: Length and SHA-256 agree with the manifest. A blob that does not pass fails the task.
      type: bool
      sample: true
foreign_layers:
  description: Foreign layers, which DTR has no copy of.
  returned: success
  type: list
  elements: dict
  sample: []
totals:
  description: Sums over the blobs.
  returned: success, except in check mode
  type: dict
  contains:
    blobs:
      description: How many.
      type: int
      sample: 5
    bytes:
      description: All their bytes.
      type: int
      sample: 33561012
    seconds:
      description: From the manifest to the last verdict.
      type: float
      sample: 2.981
    hits:
      description: How many of them the caches had.
      type: int
      sample: 5
    resumed:
      description: How many cuts were bridged.
      type: int
      sample: 0
    served_by:
      description: Blobs and bytes for each address that served.
      type: dict
      sample: {"https://cache-asia.example.com:5000": {"blobs": 5, "bytes": 33561012}}
denied:
  description:
    - Whether the account has no right to pull this. False when the task failed for another reason, a wrong password
      included.
  returned: always
  type: bool
  sample: false
failed_blob:
  description: Digest of the blob that failed.
  returned: failure while pulling blobs
  type: str
hop:
  description: Address of the host that failed, or that answered in place of O(expect_cache).
  returned: failure while pulling blobs
  type: str
msg:
  description: What was pulled, or why the task failed.
  returned: always
  type: str
  sample: Pulled engineering/app:1.4, 5 blobs, 33561012 bytes, 5 hits.
"""

import re
import time

from ansible.module_utils.common.text.formatters import human_to_bytes
from ansible_collections.dtr.caches.plugins.module_utils.bandwidth_limit import BandwidthLimit
from ansible_collections.dtr.caches.plugins.module_utils.blob_route import BlobRoute
from ansible_collections.dtr.caches.plugins.module_utils.connection_options import OPTIONAL
from ansible_collections.dtr.caches.plugins.module_utils.dtr_module import dtr_module, run
from ansible_collections.dtr.caches.plugins.module_utils.errors import WrongOption
from ansible_collections.dtr.caches.plugins.module_utils.http_transport import HttpTransport
from ansible_collections.dtr.caches.plugins.module_utils.image_reference import parse_image, parse_platform
from ansible_collections.dtr.caches.plugins.module_utils.registry_login import RegistryLogin
from ansible_collections.dtr.caches.plugins.module_utils.registry_pull import RegistryPull, expectation, totals
from ansible_collections.dtr.caches.plugins.module_utils.tls_trust import cache_trust, dtr_trust

MOST_PARALLEL = 16


def rate_of(text):
    """Bytes per second, 0 for no limit. Raises WrongOption."""
    if text is None or text == "":
        return 0
    try:
        rate = human_to_bytes(re.sub(r"/s$", "", text.strip()))
    except ValueError:
        rate = 0
    if rate < 1024:
        raise WrongOption(f"bandwidth is '{text}'; wanted: bytes per second, 1KB or more, such as 500KB or 2MB.")
    return rate


def pull(module, connection):
    """Pull, or in check mode read the manifest; the result of the task."""
    params, started = module.params, time.monotonic()
    image, platform = parse_image(params["image"], connection.origin.authority), parse_platform(params["platform"])
    limit, may_serve = BandwidthLimit(rate_of(params["bandwidth"])), expectation(params["expect_cache"])
    parallel = params["parallel"]
    if not 1 <= parallel <= MOST_PARALLEL:
        raise WrongOption(f"parallel is {parallel}; wanted: 1 to {MOST_PARALLEL}.")
    to_dtr = HttpTransport(dtr_trust(connection), connection.timeout, parallel)
    elsewhere = HttpTransport(cache_trust(connection, params["cache_ca_path"]), connection.timeout, parallel)
    login = RegistryLogin(connection, to_dtr, image.repository)
    registry = RegistryPull(connection, image, login, to_dtr)
    digest, blobs = registry.manifest(platform)
    own = [blob for blob in blobs if not blob.foreign]
    result = {"changed": False, "denied": False, "image": str(image), "digest": digest, "platform": str(platform)}
    result["foreign_layers"] = [described(blob) for blob in blobs if blob.foreign]
    if module.check_mode:
        return dict(result, **only_told(image, own))
    route = BlobRoute(connection, image.repository, login, to_dtr, elsewhere)
    reports = registry.blobs(own, route, limit, parallel, may_serve)
    return dict(result, **told(image, reports, totals(reports, time.monotonic() - started)))


def only_told(image, blobs):
    """The part of the result that check mode has in place of a pull's."""
    size = sum(blob.size for blob in blobs)
    words = f"Check mode: {image} can be pulled, {len(blobs)} blobs, {size} bytes; no blob was."
    return {"pulled": False, "blobs": [described(blob) for blob in blobs], "msg": words}


def told(image, reports, sums):
    """The part of the result that a pull has."""
    words = f"Pulled {image}, {sums['blobs']} blobs, {sums['bytes']} bytes, {sums['hits']} hits."
    return {"pulled": True, "blobs": reports, "totals": sums, "msg": words}


def described(blob):
    """A blob that was not pulled."""
    return {"digest": blob.digest, "bytes": blob.size, "media_type": blob.media_type}


def main():
    """Read the task's options and run."""
    module = dtr_module(
        {
            "image": {"type": "str", "required": True},
            "platform": {"type": "str", "default": "linux/amd64"},
            "expect_cache": {"type": "str"},
            "cache_ca_path": {"type": "path"},
            "parallel": {"type": "int", "default": 3},
            "bandwidth": {"type": "str"},
        }
    )
    on_failure = {"denied": False, "image": module.params["image"]}
    run(module, lambda connection: pull(module, connection), credentials=OPTIONAL, **on_failure)


if __name__ == "__main__":
    main()
