"""Docker's own registry, as Debian ships it, with accounts: by htpasswd, or by tokens of a token service made here.

`running_distribution` starts one on a free port, without TLS, in a folder of its own; nothing of this machine's own
registry, if it has one, is touched.
"""

from __future__ import annotations

import base64
import json
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from .ports import free_port
from .running_cache import eventually

PASSWORDS = {"alice": "alices password", "bob": "bobs password"}
# bcrypt with its least cost, which is the only kind that the registry reads.
_HTPASSWD = """\
alice:$2b$05$abcdefghijklmnopqrstuuRWUF3.qhxuOXnlCGlUbzmunZmHISFdm
bob:$2b$05$abcdefghijklmnopqrstuu4A6XdjS.ZLwnYDu5XeSmH2yGFMDSdLK
"""
_SERVICE, _ISSUER = "the registry", "the token service"


def credentials(account: str) -> str:
    """`account:password`, as clients want it."""
    return f"{account}:{PASSWORDS[account]}"


def basic(account: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(credentials(account).encode()).decode()}


class TokenService(ThreadingHTTPServer):
    """Gives tokens (RS256, `x5c`) for what `rights` says: by repository, who may pull; the first of them may push.
    "" is everybody. `asked` holds (account, scopes) of each request."""

    daemon_threads = True

    def __init__(self, folder: Path, rights: dict[str, tuple[str, ...]]) -> None:
        self.rights = rights
        self.asked: list[tuple[str, tuple[str, ...]]] = []
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        certificate = _self_signed(self._key)
        self.bundle = folder / "token-service.pem"
        self.bundle.write_bytes(certificate.public_bytes(Encoding.PEM))
        self._x5c = base64.b64encode(certificate.public_bytes(Encoding.DER)).decode()
        super().__init__(("127.0.0.1", 0), _Handler)
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server_port}"

    @property
    def options(self) -> dict[str, str]:
        """For the registry's configuration."""
        realm = f"http://{self.host}/token"
        return {"realm": realm, "service": _SERVICE, "issuer": _ISSUER, "rootcertbundle": str(self.bundle)}

    def token(self, account: str, scopes: tuple[str, ...], lasts_s: float = 300) -> str:
        now_s = int(time.time())
        claims = {
            "iss": _ISSUER,
            "sub": account,
            "aud": _SERVICE,
            "iat": now_s,
            "nbf": now_s - 10,
            "exp": now_s + int(lasts_s),
            "jti": f"{now_s}-{len(self.asked)}",
            "access": [self._access(account, scope) for scope in scopes],
        }
        header = {"typ": "JWT", "alg": "RS256", "x5c": [self._x5c]}
        signed = ".".join(_base64url(json.dumps(part).encode()) for part in (header, claims))
        return f"{signed}.{_base64url(self._key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"

    def bearer(self, account: str, repository: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token(account, (f'repository:{repository}:pull',))}"}

    def _access(self, account: str, scope: str) -> dict[str, Any]:
        kind, _, rest = scope.partition(":")
        name, _, actions = rest.rpartition(":")
        readers = self.rights.get(name, ())
        allowed = {"pull"} if account in readers or "" in readers else set()
        allowed |= {"push"} if readers and account == readers[0] else set()
        return {"type": kind, "name": name, "actions": sorted(allowed & set(actions.split(",")))}


class _Handler(BaseHTTPRequestHandler):
    server: TokenService

    def do_GET(self) -> None:
        given = self.headers.get("Authorization", "").partition(" ")[2]
        account, _, password = base64.b64decode(given).decode().partition(":")
        if account and PASSWORDS.get(account) != password:
            self.send_response(401)
            self.end_headers()
            return
        scopes = tuple(
            one for scope in parse_qs(urlsplit(self.path).query).get("scope", []) for one in scope.split(" ")
        )
        self.server.asked.append((account, scopes))
        body = json.dumps({"token": self.server.token(account, scopes)}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        """The newer way to ask, which many services do not have: clients then ask by GET."""
        self.send_response(405)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def running_token_service(folder: Path, rights: dict[str, tuple[str, ...]]) -> Iterator[TokenService]:
    service = TokenService(folder, rights)
    try:
        yield service
    finally:
        service.shutdown()
        service.server_close()


class Distribution:
    """`said` is its log so far, the access log included."""

    def __init__(self, folder: Path, sections: dict[str, Any]) -> None:
        folder.mkdir(parents=True)
        self.host = f"127.0.0.1:{free_port()}"
        self.url = f"http://{self.host}"
        self._folder, self._log = folder, folder / "log"
        config = {
            "version": 0.1,
            "storage": {"filesystem": {"rootdirectory": str(folder / "volume")}},
            "http": {"addr": self.host},
            **sections,
        }
        (folder / "config.yml").write_text(yaml.safe_dump(config), encoding="utf-8")

    def start(self) -> None:
        command = ["docker-registry", "serve", str(self._folder / "config.yml")]
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        eventually(lambda: self.process.poll() is not None or self._answers())
        assert self.process.poll() is None, f"the registry did not start:\n{self.said}"

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(20)

    @property
    def said(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")

    def _answers(self) -> bool:
        try:
            return requests.get(f"{self.url}/v2/", timeout=5).status_code in (200, 401)
        except requests.ConnectionError:
            return False


def htpasswd(folder: Path) -> dict[str, Any]:
    """The registry's `auth` section for alice and bob, who then may read everything."""
    path = folder / "htpasswd"
    path.write_text(_HTPASSWD, encoding="utf-8")
    return {"htpasswd": {"realm": "the registry", "path": str(path)}}


@contextmanager
def running_distribution(folder: Path, **sections: Any) -> Iterator[Distribution]:
    """`sections` are those of its configuration, such as `auth` and `proxy`."""
    registry = Distribution(folder, sections)
    registry.start()
    try:
        yield registry
    finally:
        registry.stop()


def _self_signed(key: rsa.RSAPrivateKey) -> x509.Certificate:
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, _ISSUER)]), datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
