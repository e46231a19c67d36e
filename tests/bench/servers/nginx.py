"""nginx three times: static files behind secure_link, proxy_cache with lock behind secure_link, and the upstream.

Tuned as far as we know how: descriptors cached, a send buffer of 256 KiB (the best of those tried for large files),
large TLS records' buffer, keep-alive without end. `tcp_nopush` stays off: with it, bodies of some 64 KiB wait 40 ms.
"""

from __future__ import annotations

from pathlib import Path

from ..processes import Process, free_port, is_root
from ..targets import SECRET
from .place import Certificate, Place, Running

_BLOB = r"^/v2/.+/blobs/(?<name>sha256:(?<two>[0-9a-f][0-9a-f])(?<rest>[0-9a-f]+))$"

_MAIN = """
{user}
worker_processes {workers};
daemon off;
pid {folder}/pid;
error_log {folder}/error.log warn;
worker_rlimit_nofile 16384;
events {{ worker_connections 8192; }}
http {{
    sendfile on;
    tcp_nopush off;
    tcp_nodelay on;
    keepalive_timeout 600;
    keepalive_requests 1000000000;
    default_type application/octet-stream;
    open_file_cache max=8192 inactive=1h;
    open_file_cache_valid 1h;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {http}
    server {{
        listen 127.0.0.1:{port} {listen} sndbuf=256k backlog=1024;
        {server}
    }}
}}
"""
_TLS = """
        ssl_certificate {certificate};
        ssl_certificate_key {key};
        ssl_protocols TLSv1.3;
        ssl_buffer_size 64k;"""
_STATIC = """
        location ~ "{blob}" {{
            {allowed}
            alias {root}/docker/registry/v2/blobs/sha256/$two/$two$rest/data;
            add_header Docker-Content-Digest $name;
            add_header Docker-Distribution-Api-Version registry/2.0;
        }}"""
_CHECK = """
            secure_link $arg_md5,$arg_expires;
            secure_link_md5 "$secure_link_expires$uri {secret}";
            if ($secure_link = "") {{ return 403; }}
            if ($secure_link = "0") {{ return 403; }}"""
_CACHE = """
    proxy_cache_path {root} levels=1:2 keys_zone=blobs:32m max_size=100g inactive=1d use_temp_path=off;
    upstream origin {{ server {address}; keepalive 16; }}"""
_PROXY = """
        location ~ "{blob}" {{
            {allowed}
            proxy_pass http://origin;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_cache blobs;
            proxy_cache_key $uri;
            proxy_cache_valid 200 1d;
            proxy_cache_lock on;
            proxy_cache_lock_age 1h;
            proxy_cache_lock_timeout 1h;
            {buffers}
        }}"""
_BUFFERS = """
            proxy_buffer_size 64k;
            proxy_buffers 16 256k;
            proxy_busy_buffers_size 1m;"""
_ORIGIN = """
    log_format bytes '$body_bytes_sent';
    access_log {folder}/bytes.log bytes;"""
_ORIGIN_SERVER = """
        location = /v2/ {{
            default_type application/json;
            add_header Docker-Distribution-Api-Version registry/2.0;
            return 200 '{{}}';
        }}
        location = /.well-known/dtr-content-cache {{
            default_type application/json;
            alias {folder}/discovery.json;
        }}"""


def start_static(place: Place) -> Running:
    allowed = _CHECK.format(secret=SECRET)
    server = _STATIC.format(blob=_BLOB, allowed=allowed, root=place.root)
    return _start("nginx", place, "access_log off;", server)


def start_proxy_cache(place: Place, *, own_buffers: bool = False) -> Running:
    """`own_buffers`: what is proxied goes through those that nginx has unless somebody tunes it."""
    buffers = "" if own_buffers else _BUFFERS
    server = _PROXY.format(blob=_BLOB, allowed=_CHECK.format(secret=SECRET), buffers=buffers)
    cache = _CACHE.format(root=place.root, address=place.upstream.removeprefix("http://"))
    return _start("nginx-proxy-cache", place, f"access_log off; {cache}", server)


class Origin:
    """The upstream of every cache: `root`'s blobs and the discovery document; counts the bytes of bodies it sent."""

    def __init__(self, folder: Path, root: Path, discovery: str, on: frozenset[int]) -> None:
        (folder / "discovery.json").write_text(discovery, encoding="utf-8")
        self._log = folder / "bytes.log"
        place = Place(folder, root, "", on)
        server = _STATIC.format(blob=_BLOB, allowed="", root=root) + _ORIGIN_SERVER.format(folder=folder)
        self.running = _start("upstream", place, _ORIGIN.format(folder=folder), server)
        self.url = f"http://127.0.0.1:{self.running.port}"

    def sent_bytes(self) -> int:
        return sum(int(line) for line in self._log.read_text(encoding="ascii").split())


def _start(name: str, place: Place, http: str, server: str) -> Running:
    port = free_port()
    config = _MAIN.format(
        user="user root;" if is_root() else "",
        folder=place.folder,
        workers=place.workers,
        http=http,
        port=port,
        listen="ssl" if place.certificate else "",
        server=_tls(place.certificate) + server,
    )
    path = place.folder / "nginx.conf"
    path.write_text(config, encoding="utf-8")
    process = Process(["nginx", "-c", str(path), "-p", str(place.folder)], place.folder / "log", place.on)
    process.wait_for(port)
    return Running(name, process, port)


def _tls(certificate: Certificate | None) -> str:
    return _TLS.format(certificate=certificate.certificate, key=certificate.key) if certificate else ""
