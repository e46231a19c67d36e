"""Bring a scenario's lab up: bring_up.py <LAB, where LAB is the JSON that create.yml writes.

Owns: the order in which things must be there, and that everything else happens at once. Does not own: how a machine is
started or asked (machines.py), what runs in it (image/), taking it down (molecule-sweep.sh).
Rule: the engine may be on another machine, so nothing is handed over by a path; bytes go through `docker exec`.
"""

from __future__ import annotations

import hashlib
import json
import os
import ssl
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from issue_certificate import main as issue_certificate
from machines import Failed, Machines

AUTHORITY = "dtr-ca.pem"


def bring_up(lab: dict[str, Any]) -> None:
    files = Path(lab["files"])
    files.mkdir(mode=0o700, parents=True)
    machines = Machines(lab["suffix"], lab["labels"], lab["network"], lab["image"])
    machines.make_network()
    offices_ca = _certificates(files, lab["engines"])
    # A thread each, since each waits for others: an engine for DTR's CA, the images for both.
    with ThreadPoolExecutor(2 + len(lab["engines"])) as pool:
        dtr_ca = pool.submit(_start_dtr, machines, lab["dtr"])
        steps = [
            pool.submit(_start_engine, machines, name, wanted, lab, dtr_ca, offices_ca)
            for name, wanted in lab["engines"].items()
        ]
    for step in (dtr_ca, *steps):
        step.result()
    _tell_controller(files, dtr_ca.result())
    _write_names(Path(lab["etc_hosts"]), machines, lab)


def _certificates(files: Path, engines: dict[str, Any]) -> str:
    """One certificate for each cache, from one CA; the text of that CA."""
    for name, wanted in engines.items():
        if wanted["cache"]:
            issue_certificate(files, name, *wanted["names"][1:])
    return (files / "office-ca" / "ca.pem").read_text()


def _start_dtr(machines: Machines, dtr: dict[str, Any]) -> str:
    """DTR's CA, when DTR answers."""
    environment = {
        "DTR_URL": dtr["url"],
        "DTR_ACCOUNTS": json.dumps(dtr["accounts"]),
        "DTR_OPTIONS": dtr["options"],
    }
    machines.start("dtr", ["/dtr.sh"], [dtr["name"]], environment, {"": "/var/lib/registry"})
    answers = f"curl --silent --fail --output /dev/null --cacert /state/ca.pem --resolve {dtr['name']}:443:127.0.0.1"
    machines.wait_until("dtr", f"{answers} {dtr['url']}/_ping")
    return machines.ask("dtr", "cat /state/ca.pem")


def _start_engine(
    machines: Machines, name: str, wanted: dict[str, Any], lab: dict[str, Any], dtr_ca: Future[str], offices_ca: str
) -> None:
    environment = {"ENGINE_OPTIONS": wanted["options"]}
    machines.start(name, ["/office.sh"], wanted["names"], environment, {"": "/var/lib/docker", **wanted["volumes"]})
    machines.wait_until(name, "docker info")
    if wanted["loads"]:
        with Path(lab["cache_archive"]).open("rb") as archive:
            machines.ask(name, "docker load --quiet", archive)
    # Docker takes the CAs of the registry that it was asked for, also for the host that it is redirected to.
    trusted = f"/etc/docker/certs.d/{lab['dtr']['name']}"
    machines.write(name, f"{trusted}/dtr.crt", dtr_ca.result())
    machines.write(name, f"{trusted}/caches.crt", offices_ca)
    if name == lab["workstation"]:
        machines.write(name, "/images.json", json.dumps(lab["images"]))
        machines.ask(name, f"/push-images.py {lab['dtr']['name']} publisher publisher-password </images.json")


def _tell_controller(files: Path, dtr_ca: str) -> None:
    """What DTR's administrator told the operator: the fingerprint. The CA itself is fetched by the product."""
    fingerprint = hashlib.sha256(ssl.PEM_cert_to_DER_cert(dtr_ca)).hexdigest().upper()
    (files / "dtr-ca.sha256").write_text(":".join(fingerprint[at : at + 2] for at in range(0, 64, 2)))


def _write_names(etc_hosts: Path, machines: Machines, lab: dict[str, Any]) -> None:
    """The controller resolves names as the offices do.

    The file is mounted over /etc/hosts for this run alone; only what is written to that very file is seen there.
    """
    names = {"dtr": [lab["dtr"]["name"]]} | {name: wanted["names"] for name, wanted in lab["engines"].items()}
    ours = {known for several in names.values() for known in several}
    others = [line for line in etc_hosts.read_text().splitlines() if not ours & set(line.split())]
    lines = [f"{machines.address(name)} {' '.join(known)}" for name, known in names.items()]
    etc_hosts.write_text("\n".join([*others, *lines, ""]))


if __name__ == "__main__":
    os.umask(0o077)
    try:
        bring_up(json.load(sys.stdin))
    except Failed as failure:
        sys.exit(f"the lab does not come up: {failure}")
