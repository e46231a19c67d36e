"""The way from one CA to the next, for DTR and for the caches at once, as docs/operating.md has it.

1. `overlap`: the operator's files and those of everybody's engine hold both CAs; deploy.
2. `moved`: DTR and the caches get certificates of the new CAs; deploy.
3. `alone`: the operator's files hold the new CAs alone, DTR's is pinned; deploy. Then the engines drop the old ones.

After each step an image is read that no cache has, so that every hop is asked anew.
"""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path

import requests
from steady_pulls import SteadyPulls, blob_read, docker_pull

sys.path.insert(0, str(Path(__file__).parents[2] / "shared" / "lab"))

from issue_certificate import main as issue_certificate

CACHES = ["cache-seoul", "cache-beijing"]
ENGINES = ["desk", "headquarters", *CACHES]  # whoever has an engine may pull
REPOSITORY = "engineering/app"
LINE = "rate 16mbit burst 32kb latency 400ms"  # the layer of 3 MiB takes more than a second
TRUSTED_BY_ENGINE = "/etc/docker/certs.d/dtr.test"
NEXT_OF_DTR = "/state/next"
MAKE_CA = f"import pathlib; from dtr_simulator.certificates import ensure_ca; ensure_ca(pathlib.Path('{NEXT_OF_DTR}'))"


@dataclass(frozen=True)
class Authorities:
    """The two CAs of somebody, as PEM."""

    old: str
    new: str


@dataclass
class Rotation:
    dtr: Authorities
    caches: Authorities
    pulls: SteadyPulls
    started: list[str]  # when each cache's container was, before
    outputs: dict[str, str] = field(default_factory=dict)  # step → of the playbook
    failures: dict[str, list[str]] = field(default_factory=dict)  # step → of reading the image that no cache has
    trusted: dict[str, list[str]] = field(default_factory=dict)  # step → PEM that each cache is given
    shown: dict[str, dict[str, str]] = field(default_factory=dict)  # step → address → whose CA vouches


def rotate(lab) -> Rotation:
    dtr, caches = _next_ca_of_dtr(lab), _next_ca_of_caches(lab)
    lab.machine(CACHES[1]).run_expect([0], f"tc qdisc replace dev eth0 root tbf {LINE}")
    (layer, *_) = sorted(lab.manifest(f"{REPOSITORY}:1.0").blobs.items(), key=lambda blob: -blob[1])
    people = docker_pull(lab, "desk", "bob", f"{REPOSITORY}:1.0"), blob_read(lab, "bob", REPOSITORY, layer[0])
    told = Rotation(dtr, caches, SteadyPulls(*people), started(lab))
    with told.pulls:
        told.pulls.go_on(1)
        _overlap(lab, told)
        _move(lab, told)
        _leave_the_new_alone(lab, told)
        told.pulls.go_on(1)
    return told


def started(lab) -> list[str]:
    ask = "docker inspect --format '{{.Id}} {{.State.StartedAt}}' dtr-cache"
    return [lab.machine(name).check_output(ask) for name in CACHES]


def _next_ca_of_dtr(lab) -> Authorities:
    dtr = lab.machine("dtr")
    dtr.run_expect([0], f"mkdir -p {NEXT_OF_DTR} && PYTHONPATH=/opt/dtr-simulator python3 -c %s", MAKE_CA)
    return Authorities(*(dtr.file(f"{folder}/ca.pem").content_string for folder in ("/state", NEXT_OF_DTR)))


def _next_ca_of_caches(lab) -> Authorities:
    (lab.files / "next").mkdir()
    for name in CACHES:
        issue_certificate(lab.files / "next", name)
    return Authorities(*((lab.files / folder / "ca.pem").read_text() for folder in ("office-ca", "next/office-ca")))


def _overlap(lab, told) -> None:
    _operator_trusts(lab, told.dtr.old + told.dtr.new, told.caches.old + told.caches.new, pin="")
    _engines_trust(lab, told.dtr.old + told.dtr.new, told.caches.old + told.caches.new)
    _deploy(lab, told, "overlap")


def _move(lab, told) -> None:
    dtr = lab.machine("dtr")
    dtr.run_expect([0], f"cp {NEXT_OF_DTR}/ca-key.pem {NEXT_OF_DTR}/ca.pem /state/")
    dtr.run_expect([0], "pkill --signal HUP --full '[p]ython3 -m dtr_simulator'")  # the brackets: not this shell
    lab.wait_for(lambda: _vouches(lab, told.dtr.new, "https://dtr.test/_ping"))
    for file in (lab.files / "next").glob("*.pem"):
        shutil.copy(file, lab.files)
    _deploy(lab, told, "moved")


def _leave_the_new_alone(lab, told) -> None:
    fingerprint = lab.machine("dtr").check_output("openssl x509 -in /state/ca.pem -noout -fingerprint -sha256")
    _operator_trusts(lab, told.dtr.new, told.caches.new, pin=fingerprint.partition("=")[2])
    _deploy(lab, told, "alone")
    _engines_trust(lab, told.dtr.new, told.caches.new)


def _operator_trusts(lab, dtr, caches, pin) -> None:
    for name, text in (("dtr-ca.pem", dtr), ("dtr-ca.sha256", pin), ("office-ca/ca.pem", caches)):
        written = lab.files / "written"
        written.write_text(text)
        written.replace(lab.files / name)  # a pull may read it at any moment: the old file or the new one


def _engines_trust(lab, dtr, caches) -> None:
    for engine in ENGINES:
        for name, pem in (("dtr", dtr), ("caches", caches)):
            put = f"cd {TRUSTED_BY_ENGINE} && printf %%s %s >.{name} && mv .{name} {name}.crt"
            lab.machine(engine).run_expect([0], put, pem)  # Docker too may read at any moment


def _deploy(lab, told, step) -> None:
    told.outputs[step] = lab.playbook("deploy-caches.yml")
    told.trusted[step] = [_given(lab.machine(name)) for name in CACHES]
    told.shown[step] = {
        "dtr.test": _voucher(lab, told.dtr, "https://dtr.test/_ping"),
        **{name: _voucher(lab, told.caches, f"https://{name}.test:5000/v2/") for name in CACHES},
    }
    reads = [blob_read(lab, "bob", REPOSITORY, digest) for digest in lab.manifest(f"{REPOSITORY}:{step}").blobs]
    told.failures[step] = [said for said in (read() for read in reads) if said]


def _given(host) -> str:
    return host.check_output("cat /etc/dtr-cache/current/certs/upstream-ca-*.pem") + "\n"


def _voucher(lab, authorities, url) -> str:
    return next(which for which in ("old", "new") if _vouches(lab, getattr(authorities, which), url))


def _vouches(lab, ca: str, url: str) -> bool:
    """Whether somebody who trusts this CA alone accepts the server."""
    (lab.files / "only-this-ca.pem").write_text(ca)
    try:
        return lab.get(url, ca="only-this-ca.pem").ok
    except requests.exceptions.SSLError:
        return False
