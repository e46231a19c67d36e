"""The demo's world as files: accounts and rights of DTR, and the inventory of two offices on this machine.

Owns: what is written there. Does not own: starting anything. Rule: the inventory has the shape of
playbooks/inventories/example, so that what the demo shows is what an operator writes."""

from __future__ import annotations

import itertools
import json
import os
import random
import socket
import stat
import sys
from dataclasses import dataclass
from pathlib import Path

APP, TOOLS = "shop/app", "shop/tools"
PASSWORDS = {name: f"{name}-of-the-demo" for name in ("admin", "alice", "chen", "mallory")}
REGION_OF = {"alice": "asia", "chen": "china", "mallory": "china"}


@dataclass(frozen=True)
class Office:
    """A region of one host, this machine."""

    region: str
    parent: str
    accounts: tuple[str, ...]
    port: int

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"


def offices() -> list[Office]:
    """China pulls from Asia, Asia from DTR; each on a free port."""
    asia_port, china_port = free_ports(2)
    return [
        Office("asia", "", ("alice",), asia_port),
        Office("china", "asia", ("chen", "mallory"), china_port),
    ]


def write_accounts(path: Path) -> None:
    """Who is known to DTR, and who may read what. Mallory may read nothing."""
    accounts = [{"name": name, "password": word, "admin": name == "admin"} for name, word in PASSWORDS.items()]
    repositories = [{"name": APP, "readers": ["alice", "chen"]}, {"name": TOOLS, "readers": ["alice"]}]
    _write_private(path, {"accounts": accounts, "repositories": repositories})


def write_inventory(folder: Path, where: list[Office], dtr_url: str, dtr_ca: Path, certificates: Path) -> Path:
    """An inventory like the example's, with engine `process`, everything inside `folder`'s parent."""
    home = folder.parent
    variables = {
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
        "dtr_url": dtr_url,
        "dtr_username": "admin",
        "dtr_password": PASSWORDS["admin"],
        "dtr_ca_path": str(dtr_ca),
        "cache_host_engine": "process",
        "cache_host_command": str(Path(sys.executable).parent / "dtr-content-cache"),
        "cache_host_directory": str(home / "{{ content_cache_name }}"),
        "cache_host_listen_address": "127.0.0.1",
        "cache_host_probe_from_controller": True,
        "cache_host_purge_storage": True,
        "cache_host_min_free": "1MB",
        "content_cache_ca": str(certificates / "office-ca.pem"),
        "cache_host_probe_ca": str(certificates / "office-ca.pem"),
        "cache_host_tls_certificate": str(certificates / "{{ content_cache_name }}.pem"),
        "cache_host_tls_key": str(certificates / "{{ content_cache_name }}-key.pem"),
    }
    children = {office.region: {"hosts": {f"cache-{office.region}": {}}} for office in where}
    _write_private(folder / "hosts.yml", {"content_caches": {"children": children}})
    _write_private(folder / "group_vars" / "content_caches.yml", variables)
    for office in where:
        region = {
            "content_cache_name": office.region,
            "content_cache_host": office.url,
            "content_cache_accounts": list(office.accounts),
        }
        parent = {"content_cache_parent": office.parent} if office.parent else {}
        _write_private(folder / "group_vars" / f"{office.region}.yml", region | parent)
    return folder


def _write_private(path: Path, content: object) -> None:
    """JSON is YAML. Passwords are in some of these files, so nobody else may read any."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    os.chmod(path, stat.S_IRUSR | stat.S_IWUSR)


def free_ports(count: int) -> list[int]:
    """Below those that the kernel gives to connections, one of which would take a port before its cache starts."""
    return list(itertools.islice(filter(_is_free, random.sample(range(20_000, 32_000), k=1000)), count))


def _is_free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True
