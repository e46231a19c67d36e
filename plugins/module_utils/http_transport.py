# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)

"""One HTTP exchange by the library requests, and its failures in our words.

Owns the session: own trust, no .netrc, no cookies, no redirects, proxies from the environment by name.
Rule: a foreign exception ends here, and its text is never repeated: it may hold a URL with a grant in it.
"""

from __future__ import annotations

import contextlib
import traceback
from http.cookiejar import DefaultCookiePolicy

from ansible_collections.dtr.caches.plugins.module_utils.errors import Interrupted, Unexpected
from ansible_collections.dtr.caches.plugins.module_utils.transport_failures import explain
from ansible_collections.dtr.caches.plugins.module_utils.web_origin import origin_of

try:
    import requests
    import urllib3
    from requests.adapters import HTTPAdapter
except ImportError:
    REQUESTS_ERROR = traceback.format_exc()
    HTTPAdapter = object
else:
    REQUESTS_ERROR = None

LARGEST_TEXT = 8 * 1024 * 1024
USER_AGENT = "dtr.caches"


class TrustAdapter(HTTPAdapter):
    """Lets the TLS context alone decide, where requests would add certificates of its own."""

    def __init__(self, context, connections):
        self._context = context
        super().__init__(pool_connections=connections, pool_maxsize=connections, max_retries=0)

    def init_poolmanager(self, *args, **kwargs):
        kwargs["ssl_context"] = self._context
        return super().init_poolmanager(*args, **kwargs)

    def proxy_manager_for(self, proxy, **proxy_kwargs):
        proxy_kwargs["ssl_context"] = self._context
        return super().proxy_manager_for(proxy, **proxy_kwargs)

    def cert_verify(self, conn, url, verify, cert):
        conn.cert_reqs = "CERT_REQUIRED" if verify else "CERT_NONE"
        conn.ca_certs = conn.ca_cert_dir = None


class HttpTransport:
    """Exchanges with servers that one ``Trust`` is right for. ``timeout`` in seconds: to connect, and between bytes."""

    def __init__(self, trust, timeout, connections=4):
        self._trust = trust
        self._timeout = timeout
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = trust.verify
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.headers["User-Agent"] = USER_AGENT
        adapter = TrustAdapter(trust.context(), connections)
        if not trust.verify:
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, adapter)

    def exchange(self, method, url, headers=None, auth=None, json=None, query=None):
        """The response, its body not read yet. The caller closes it. Raises Unreachable, Interrupted, UntrustedTls."""
        with self._translated(url):
            return self._session.request(
                method,
                url,
                headers=headers,
                auth=auth,
                json=json,
                params=query,
                stream=True,
                timeout=self._timeout,
                allow_redirects=False,
                proxies=requests.utils.get_environ_proxies(url),
            )

    def chunks(self, response, size):
        """The body as it comes, never decoded, at most ``size`` bytes a piece. Raises Interrupted."""
        with self._translated(response.url):
            yield from response.raw.stream(size, decode_content=False)

    def body(self, response, largest=LARGEST_TEXT):
        """The whole decoded body; closes the response. Raises Interrupted, or Unexpected if larger than ``largest``."""
        parts, length = [], 0
        with response, self._translated(response.url):
            for part in response.iter_content(65536):
                length += len(part)
                if length > largest:
                    raise Unexpected(
                        f"The answer of {origin_of(response.url).url} is larger than {largest} bytes; is this DTR?"
                    )
                parts.append(part)
        return b"".join(parts)

    def close(self):
        """End all kept connections."""
        self._session.close()

    @contextlib.contextmanager
    def _translated(self, url):
        try:
            yield
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as failure:
            raise explain(failure, origin_of(url), self._trust, self._timeout) from None
        except UnicodeError:
            raise Interrupted(f"{origin_of(url).url} answered with headers that are not text.") from None
