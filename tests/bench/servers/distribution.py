"""Distribution, Debian's docker-registry: on the blobs directly, or as a proxy of the upstream. No authentication."""

from __future__ import annotations

import json

from ..processes import Process, free_port
from .place import Place, Running


def start(place: Place, *, proxy: bool) -> Running:
    port = free_port()
    http: dict[str, object] = {"addr": f"127.0.0.1:{port}"}
    if place.certificate is not None:
        http["tls"] = {
            "certificate": str(place.certificate.certificate),
            "key": str(place.certificate.key),
            "minimumtls": "tls1.3",
        }
    config: dict[str, object] = {
        "version": 0.1,
        "log": {"level": "error", "accesslog": {"disabled": True}},
        "storage": {
            "cache": {"blobdescriptor": "inmemory"},
            "filesystem": {"rootdirectory": str(place.root), "maxthreads": 256},
            "maintenance": {"uploadpurging": {"enabled": False}},
        },
        "http": http,
    }
    if proxy:
        config["proxy"] = {"remoteurl": place.upstream}
    path = place.folder / "config.yml"
    path.write_text(json.dumps(config), encoding="utf-8")
    process = Process(["docker-registry", "serve", str(path)], place.folder / "log", place.on)
    process.wait_for(port)
    return Running("distribution-proxy" if proxy else "distribution", process, port)
