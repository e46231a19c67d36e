"""The content cache of this project, as `dtr-content-cache CONFIG` starts it, its access log off as the peers'."""

from __future__ import annotations

import json
import sys

from ..processes import Process, free_port
from .place import Place, Running


def start(place: Place) -> Running:
    port = free_port()
    http: dict[str, object] = {"addr": f"127.0.0.1:{port}"}
    if place.certificate is not None:
        http["tls"] = {
            "certificate": str(place.certificate.certificate),
            "key": str(place.certificate.key),
            "minimumtls": "tls1.3",
        }
    config = {
        "version": 0.1,
        "log": {"level": place.level, "accesslog": {"disabled": True}},
        "storage": {"delete": {"enabled": True}, "filesystem": {"rootdirectory": str(place.root)}},
        "http": http,
        "middleware": {
            # Free space is the machine's affair here: a full disk must not turn misses into relays.
            "registry": [{"name": "downstream", "options": {"upstreams": [place.upstream], "minfree": "1GB"}}]
        },
    }
    path = place.folder / "config.yml"
    path.write_text(json.dumps(config), encoding="utf-8")  # JSON is YAML
    process = Process([sys.executable, "-m", "dtr_content_cache", str(path)], place.folder / "log", place.on)
    process.wait_for(port)
    return Running("ours", process, port)
