"""The token service of the registry with tokens, as Distribution's specification has it. Port 5002, with TLS.

Owns: who may what in which repository (RIGHTS), and saying so in a JWT that the registry verifies by the certificate.
Does not own: JSON Web Signatures, which are the DTR simulator's. Rule: a wrong password is 401; missing rights are a
token with nothing in it, as real services answer.
"""

import base64
import json
import secrets
import ssl
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from dtr_simulator import jws

CERTIFICATE, KEY = "/srv/registries/registry.pem", "/srv/registries/registry-key.pem"
RIGHTS = {"publisher": {"pull", "push"}, "alice": {"pull"}, "mallory": set()}  # in every repository
LIFETIME_S = 300


class TokenService(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        account = self.account()
        if account is None:
            self.answer(401, {"details": "wrong name or password"})
            return
        query = parse_qs(urlsplit(self.path).query)
        wanted = [entry for text in query.get("scope", []) for entry in text.split()]
        claims = claims_for(account, query.get("service", [""])[0], wanted, int(time.time()))
        token = jws.sign(self.server.signing_key, claims, {"typ": "JWT", "kid": None, "x5c": [self.server.certificate]})
        self.answer(200, {"token": token, "expires_in": LIFETIME_S})

    def do_POST(self):
        """Clients that try OAuth first go on with GET then, on the same connection."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.answer(405, {"details": "only GET"})

    def account(self):
        """Who asks: a name, "" for nobody, None with a wrong password."""
        given = self.headers.get("Authorization", "")
        if not given:
            return ""
        name, _, password = base64.b64decode(given.removeprefix("Basic ")).decode().partition(":")
        return name if name in RIGHTS and password == f"{name}-password" else None

    def answer(self, status, document):
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def claims_for(account, service, wanted, now):
    access = []
    for scope in wanted:
        kind, name, actions = scope.split(":")
        granted = sorted(RIGHTS.get(account, set()) & set(actions.split(",")))
        if kind == "repository" and granted:
            access.append({"type": kind, "name": name, "actions": granted})
    told = {"iss": "tokens.test", "aud": service, "sub": account, "jti": secrets.token_hex(8), "access": access}
    return told | {"iat": now, "nbf": now - 60, "exp": now + LIFETIME_S}


def main():
    server = ThreadingHTTPServer(("0.0.0.0", 5002), TokenService)  # noqa: S104 # the whole lab asks it
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE, KEY)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    with open(KEY, "rb") as key, open(CERTIFICATE, "rb") as certificate:
        server.signing_key = jws.SigningKey.of(serialization.load_pem_private_key(key.read(), None))
        der = x509.load_pem_x509_certificate(certificate.read()).public_bytes(serialization.Encoding.DER)
    server.certificate = base64.b64encode(der).decode()
    server.serve_forever()


if __name__ == "__main__":
    main()
