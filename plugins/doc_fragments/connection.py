# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)

"""The options with which every module reaches DTR.

Owns their documentation. Does not own their parsing: that is module_utils/connection_options.py.
Rule: an option that changes here changes there in the same commit.
"""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  dtr_url:
    description:
      - Address of Docker Trusted Registry (or Mirantis Secure Registry), as C(https://host) or C(https://host:port).
      - If not set, the environment variable E(DTR_URL) is used.
    type: str
    required: true
  dtr_username:
    description:
      - Name of the DTR account that makes the calls.
      - If not set, the environment variable E(DTR_USERNAME) is used.
    type: str
  dtr_password:
    description:
      - Password of the account. An empty one is none.
      - At most one of O(dtr_password) and O(dtr_token) may be given. If neither is, the environment variable
        E(DTR_TOKEN) is used, else E(DTR_PASSWORD).
    type: str
  dtr_token:
    description:
      - Access token of the account. DTR takes it wherever it takes the password. An empty one is none.
      - At most one of O(dtr_password) and O(dtr_token) may be given. If neither is, the environment variable
        E(DTR_TOKEN) is used, else E(DTR_PASSWORD).
    type: str
  ca_path:
    description:
      - File with the CA certificates, PEM encoded, that DTR's certificate is verified with. Only they are trusted then.
      - Without it the trust store of the host that runs the module decides.
      - The module M(dtr.caches.ca_certificate) fetches such a file safely.
      - If not set, the environment variable E(DTR_CA_PATH) is used.
    type: path
  validate_certs:
    description:
      - Whether certificates are verified. Without that anybody on the way can read the credentials.
      - If not set, the environment variable E(DTR_VALIDATE_CERTS) is used.
    type: bool
    default: true
  timeout:
    description:
      - Seconds to wait for a connection, and for the next bytes of an answer.
      - If not set, the environment variable E(DTR_TIMEOUT) is used.
    type: int
    default: 30
requirements:
  - requests (Python library) on the host that runs the module
notes:
  - Run it on the controller, with C(delegate_to=localhost), or wherever DTR can be reached from.
  - A proxy named by the environment (E(HTTPS_PROXY), E(HTTP_PROXY), E(NO_PROXY)) is used. A C(.netrc) file never is.
"""
