# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)
"""When a certificate ends, by a clock that is passed in."""

from __future__ import annotations

import datetime

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.dtr.caches.plugins.filter.certificate_expiry import certificate_expiry
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

END = datetime.datetime(2027, 3, 1, 12, 0, tzinfo=datetime.UTC)


@pytest.fixture(scope="module")
def pem():
    key, name = ed25519.Ed25519PrivateKey.generate(), x509.Name([])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, END - datetime.timedelta(days=90), END)
    return builder.sign(key, None).public_bytes(serialization.Encoding.PEM).decode()


@pytest.mark.parametrize(("before_end", "days"), [({"days": 10}, 10), ({"hours": 23}, 0), ({"hours": -1}, -1)])
def test_whole_days_are_counted_until_the_end(pem, before_end, days):
    now = (END - datetime.timedelta(**before_end)).timestamp()
    assert certificate_expiry(pem, now) == {"not_after": "2027-03-01T12:00:00Z", "days_left": days}


def test_text_without_a_certificate_is_refused_in_words():
    with pytest.raises(AnsibleFilterError, match="found no PEM certificate in the text"):
        certificate_expiry("nothing", 0)
