#!/usr/bin/python
# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)
# That licence is compatible with the GNU General Public License v3.0, which Ansible itself is under.

"""Task door of DTR's CA certificate: fetched, judged, compared with the pin, written.

The judgement is module_utils/ca_certificates.py.
"""

from __future__ import annotations

DOCUMENTATION = r"""
module: ca_certificate
short_description: Put DTR's CA certificate into a file, only if it is the pinned one
version_added: 0.1.0
description:
  - Fetches the CA certificate of Docker Trusted Registry from C(/ca) and writes it to a file, if its SHA-256
    fingerprint is the given one.
  - The fetch itself cannot be verified, as the certificate is what verifies. The fingerprint decides instead. It must
    come by another way than the network. Without it the task fails, shows the fingerprint that it saw and says how to
    check it.
  - A certificate that is no CA, is expired or not valid yet, comes with others or with key material is refused.
  - With O(content) nothing is fetched.
author:
  - The dtr.caches maintainers (!UNKNOWN)
extends_documentation_fragment:
  - dtr.caches.connection
  - dtr.caches.attributes
  - dtr.caches.attributes.action_group
  - ansible.builtin.files
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details: Shows subject, issuer, fingerprint and times of the certificates instead of their PEM text.
  idempotent:
    support: full
requirements:
  - cryptography 42 or newer (Python library) on the host that runs the module
options:
  dtr_url:
    description:
      - Address of Docker Trusted Registry. Not needed with O(content).
      - If not set, the environment variable E(DTR_URL) is used.
    required: false
  dest:
    description: The file to write. Its directory must exist. Not a list of certificates; the file holds this one alone.
    type: path
    required: true
  sha256:
    description:
      - SHA-256 fingerprint of the CA certificate, 64 hex digits with or without colons, in any case.
      - Required unless O(content) is given; with both, both must agree.
    type: str
  content:
    description: The certificate itself in PEM format, for example from the inventory, instead of fetching it.
    type: str
  mode:
    default: "0644"
  dtr_username:
    description: Not used. Anybody may read C(/ca), so no credentials are sent.
  dtr_password:
    description: Not used.
  dtr_token:
    description: Not used.
  ca_path:
    description: Not used. The fingerprint decides.
  validate_certs:
    description: Not used. The fingerprint decides.
seealso:
  - module: ansible.builtin.copy
"""

EXAMPLES = r"""
- name: Trust the CA whose fingerprint DTR's administrator told us
  dtr.caches.ca_certificate:
    dtr_url: https://dtr.example.com
    sha256: 4F:2C:8D:11:90:5E:7A:B3:64:0D:19:C2:58:FA:33:6E:87:21:9C:05:D4:6B:E8:72:1F:A0:43:95:B7:CC:0E:58
    dest: /etc/dtr-content-cache/dtr-ca.pem
    mode: "0644"

- name: Trust the CA that the inventory holds
  dtr.caches.ca_certificate:
    content: "{{ dtr_ca }}"
    dest: /etc/dtr-content-cache/dtr-ca.pem
"""

RETURN = r"""
certificate:
  description: The CA certificate.
  returned: success
  type: dict
  contains:
    subject:
      description: Distinguished name of the CA.
      type: str
      sample: CN=DTR root CA
    issuer:
      description: Distinguished name of whoever signed it; its own for a root.
      type: str
      sample: CN=DTR root CA
    sha256:
      description: Fingerprint, with colons.
      type: str
      sample: 4F:2C:8D:11:90:5E:7A:B3:64:0D:19:C2:58:FA:33:6E:87:21:9C:05:D4:6B:E8:72:1F:A0:43:95:B7:CC:0E:58
    not_before:
      description: Start of its validity, UTC.
      type: str
      sample: "2024-01-01T00:00:00Z"
    not_after:
      description: End of its validity, UTC.
      type: str
      sample: "2034-01-01T00:00:00Z"
dest:
  description: The file.
  returned: success
  type: str
  sample: /etc/dtr-content-cache/dtr-ca.pem
fingerprint_seen:
  description: Fingerprint of the certificate that DTR showed.
  returned: failure, when the pin is missing or another
  type: str
  sample: 4F:2C:8D:11:90:5E:7A:B3:64:0D:19:C2:58:FA:33:6E:87:21:9C:05:D4:6B:E8:72:1F:A0:43:95:B7:CC:0E:58
"""

import datetime
import os
import tempfile

from ansible.module_utils.basic import env_fallback, missing_required_lib
from ansible_collections.dtr.caches.plugins.module_utils.ca_certificates import (
    CRYPTOGRAPHY_ERROR,
    HOW_TO_COMPARE,
    LARGEST,
    UnfitCertificate,
    colons,
    describe_if_possible,
    holds_key,
    load_ca_certificate,
    matches,
    parse_pin,
)
from ansible_collections.dtr.caches.plugins.module_utils.connection_options import UNUSED
from ansible_collections.dtr.caches.plugins.module_utils.dtr_module import dtr_module, run
from ansible_collections.dtr.caches.plugins.module_utils.errors import WrongOption
from ansible_collections.dtr.caches.plugins.module_utils.http_transport import HttpTransport
from ansible_collections.dtr.caches.plugins.module_utils.patient_exchange import ask
from ansible_collections.dtr.caches.plugins.module_utils.reconcile import Change
from ansible_collections.dtr.caches.plugins.module_utils.refusals import refusal
from ansible_collections.dtr.caches.plugins.module_utils.tls_trust import Trust


def fetch(connection):
    """The text at /ca. The collection's only unverified exchange: it carries no credentials, and the pin decides."""
    transport = HttpTransport(Trust(verify=False), connection.timeout)
    answer = ask(transport, "GET", connection.url + "/ca", largest=LARGEST)
    if answer.status != 200:
        raise refusal("hand out its CA certificate", answer, connection)
    return answer.text


def wanted_certificate(params, connection):
    """The certificate that shall stand in the file. Raises if it is unfit or not the pinned one."""
    pin = parse_pin(params["sha256"]) if params["sha256"] else ""
    now = datetime.datetime.now(datetime.timezone.utc)  # noqa: UP017  # Python 3.8 has no datetime.UTC
    if params["content"]:
        certificate = load_ca_certificate(params["content"], "content", now)
    else:
        certificate = load_ca_certificate(fetch(connection), f"{connection.url}/ca", now)
        if not pin:
            seen = colons(certificate.sha256)
            raise UnfitCertificate(
                f"sha256 is missing, so nothing says whether this is DTR's CA. {connection.url}/ca shows"
                f" {certificate.subject} with the fingerprint {seen}. {HOW_TO_COMPARE}; then give it as sha256.",
                fingerprint_seen=seen,
            )
    if pin and not matches(certificate, pin):
        raise UnfitCertificate(
            f"The CA certificate {certificate.subject} has the fingerprint {colons(certificate.sha256)}, but the pin is"
            f" {colons(pin)}. Either DTR has a new CA or somebody stands in between; nothing was written."
            f" {HOW_TO_COMPARE}.",
            fingerprint_seen=colons(certificate.sha256),
        )
    return certificate


def found_in(dest):
    """The text of the file, None if there is none. Raises WrongOption if it could not be written."""
    folder = os.path.dirname(dest) or "."
    if os.path.isdir(dest):
        raise WrongOption(f"dest is '{dest}', which is a directory; wanted: the path of a file.")
    if not os.path.isdir(folder):
        raise WrongOption(f"dest is '{dest}', whose directory does not exist; make {folder} first.")
    try:
        with open(dest, encoding="utf-8", errors="replace") as file:
            return file.read(LARGEST + 1)
    except FileNotFoundError:
        return None
    except OSError as failure:
        raise WrongOption(
            f"dest is '{dest}', which cannot be read ({failure.strerror}); wanted: a file that this user may write."
        ) from None


def replace(module, dest, pem):
    """Write beside the file and rename, so that a reader sees the old or the new certificate."""
    handle, beside = tempfile.mkstemp(dir=module.tmpdir)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(pem)
    module.atomic_move(beside, dest)


def shown_before(found, certificate):
    """What stands in the file now, in the words of the diff."""
    if found is None:
        return ""
    known = describe_if_possible(found)
    if known is None:
        return "(not one certificate)"
    same_but_text = known.sha256 == certificate.sha256 and found != certificate.pem
    return dict(known.shown(), form="with other text around it") if same_but_text else known.shown()


def ensure(module, connection):
    """Make the file hold the certificate; the result of the task."""
    params = module.params
    if params["content"] and holds_key(params["content"]):
        module.no_log_values.add(params["content"])  # a key given by mistake is not shown in the result as well
    certificate = wanted_certificate(params, connection)
    found = found_in(params["dest"])
    changed = found != certificate.pem
    if changed and not module.check_mode:
        replace(module, params["dest"], certificate.pem)
    attributes = {}
    changed = module.set_fs_attributes_if_different(module.load_file_common_arguments(params), changed, attributes)
    if found is None:
        attributes = {}  # the mode of a new file has no before, and check mode could not show it
    change = Change(
        dict(attributes.get("before", {}), certificate=shown_before(found, certificate)),
        dict(attributes.get("after", {}), certificate=certificate.shown()),
    )
    return {
        "changed": changed,
        "diff": change.diff(params["dest"]),
        "certificate": certificate.shown(),
        "dest": params["dest"],
    }


def main():
    """Read the task's options and run."""
    module = dtr_module(
        {
            "dtr_url": {"type": "str", "fallback": (env_fallback, ["DTR_URL"])},
            "dest": {"type": "path", "required": True},
            "sha256": {"type": "str"},
            "content": {"type": "str"},
            "mode": {"type": "raw", "default": "0644"},
        },
        add_file_common_args=True,
        required_one_of=[["dtr_url", "content"]],
    )
    if CRYPTOGRAPHY_ERROR:
        module.fail_json(msg=missing_required_lib("cryptography"), exception=CRYPTOGRAPHY_ERROR)
    run(module, lambda connection: ensure(module, connection), credentials=UNUSED)


if __name__ == "__main__":
    main()
