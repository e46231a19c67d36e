"""The demo: two chained offices on this machine, deployed by the real playbook, and what people's pulls do there.

Owns: the order of the story and the clean-up after it, however it ends. Does not own: how a deployment or a pull
works; those are the collection's playbooks and modules, run as an operator runs them. Rule: nothing stays running, and
nothing is written outside build/demo."""

from __future__ import annotations

import json
import shutil
import signal
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from authority import OfficeAuthority
from dtr_simulator.image import write_image
from dtr_simulator.running import RunningSimulator, running_simulator
from offices import APP, PASSWORDS, TOOLS, Office, offices, write_accounts, write_inventory
from pulls import Puller, blobs_sent, cache_logs, elapsed, expect, tell
from steps import StepFailed, clean_environment, run_watched, say, step

PLAYBOOKS = Path(__file__).resolve().parent.parent
HOME = PLAYBOOKS.parent / "build" / "demo"
LAYERS, LAYER_BYTES, SHARED_LAYERS = 4, 6 << 20, 3


def main() -> int:
    """0 if the story went as told."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    began = time.monotonic()
    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir(parents=True)
    where = offices()
    try:
        report = _story(where)
    except StepFailed as failed:
        _write_report({"ok": False, "failed": str(failed), "pulls": [], "upstream_blob_requests": {}})
        say(f"\n{failed}\n{failed.log_tails()}\nNothing is left running.")
        return 1
    except KeyboardInterrupt:
        say("\nStopped. Nothing is left running.")
        return 130
    _write_report(report)
    say(f"\nAll of it took {elapsed(began)}. The report: {HOME / 'report.json'}")
    return 0


def _story(where: list[Office]) -> dict[str, object]:
    with step("Making two images, four layers each, and certificates for two offices"):
        _make_image(APP, seed=1)
        _make_image(TOOLS, seed=2)
        authority = OfficeAuthority(HOME / "certificates")
        for office in where:
            authority.issue(office.region)
        write_accounts(HOME / "accounts.json")
    accounts = json.loads((HOME / "accounts.json").read_text(encoding="utf-8"))
    layouts = {name: _layout(name) for name in (APP, TOOLS)}
    with ExitStack() as cleanup:
        with step("Starting a DTR of our own, the simulator"):
            running = running_simulator(accounts=accounts, layouts=layouts, folder=HOME / "dtr")
            dtr = cleanup.enter_context(running)
            say(f"    {dtr.url}, its request log: {HOME / 'dtr/state/requests.jsonl'}")
        environment = clean_environment(HOME)
        inventory = write_inventory(HOME / "inventory", where, dtr.url, dtr.ca_path, authority.ca_path.parent)
        try:
            _playbook("deploy-caches.yml", "Deploying the caches with the real playbook, Asia before China", inventory,
                      environment)
            report = _pulls(where, dtr, authority, environment)
            _playbook("retire-caches.yml", "Retiring both caches with the real playbook", inventory, environment,
                      "-e", "content_cache_retire_all=true")
            return report
        finally:
            _stop_caches(where)


def _playbook(name: str, title: str, inventory: Path, environment: Mapping[str, str], *options: str) -> None:
    log = HOME / f"{Path(name).stem}.log"
    told = " ".join([f"playbooks/{name}", *options])
    with step(f"{title}: ansible-playbook -i {inventory.relative_to(PLAYBOOKS.parent)} {told}"):
        command = ["ansible-playbook", "-i", str(inventory), str(PLAYBOOKS / name), *options]
        run_watched(title, command, log, environment)


def _pulls(where: list[Office], dtr: RunningSimulator, authority: OfficeAuthority,
           environment: Mapping[str, str]) -> dict[str, object]:
    puller = Puller(dtr, where, HOME, authority.ca_path, environment)
    blobs = LAYERS + 1  # the configuration is a blob too
    scenes = [
        ("The first pull in China: nothing is cached anywhere", "chen", f"{APP}:1.0", (0, blobs, blobs)),
        ("The same again: all of it lies in China", "chen", f"{APP}:1.0", (blobs, 0, 0)),
        ("The same in Asia: the first pull went through there", "alice", f"{APP}:1.0", (blobs, 0, 0)),
        ("Another image in Asia, for the first time", "alice", f"{TOOLS}:1.0", (0, blobs, blobs)),
    ]
    for title, account, image, wanted in scenes:
        _scene(puller, where, title, account, image, wanted)
    status = _refused(puller, where, authority)
    with step(f"Somebody pushes a new {APP}:1.0 to DTR: {SHARED_LAYERS} layers stay, the rest is new"):
        _make_image(APP, seed=3, base_seed=1)
    fresh = blobs - SHARED_LAYERS
    title = "China pulls the tag again: the new version, only the new layers travel"
    _scene(puller, where, title, "chen", f"{APP}:1.0", (SHARED_LAYERS, fresh, fresh))
    requests = dict(sorted(blobs_sent(dtr).items()))
    twice = [digest for digest, count in requests.items() if count != 1]
    if twice:
        reason = f"DTR sent {', '.join(twice)} more than once."
        raise StepFailed("Counting what left DTR", reason, cache_logs(HOME, where))
    served = sum(blob.bytes for pull in puller.pulls for blob in pull.blobs)
    say(f"• People got {served / 1e6:.0f} MB in {sum(len(pull.blobs) for pull in puller.pulls)} blobs; "
        f"{len(requests)} different blobs left DTR, each once.")
    return {"ok": True, "pulls": [pull.told() for pull in puller.pulls], "upstream_blob_requests": requests,
            "status_without_grant": status}


def _scene(puller: Puller, where: list[Office], title: str, account: str, image: str,
           wanted: tuple[int, int, int]) -> None:
    """A pull that must have this many hits, misses and blobs out of DTR."""
    hits, misses, from_dtr = wanted
    with step(title):
        pull = puller.pull(account, image)
        tell(pull, where)
        expect(pull, step=title, hits=hits, misses=misses, from_dtr=from_dtr, logs=cache_logs(HOME, where))


def _refused(puller: Puller, where: list[Office], authority: OfficeAuthority) -> int:
    """An account without rights, while the blobs lie in its office. The status of asking the cache there directly."""
    title = "An account without rights, in the office where the layers lie"
    with step(title):
        digest, url = puller.pulls[0].blobs[0].digest, where[1].url
        pull = puller.pull("mallory", f"{APP}:1.0")
        tell(pull, where)
        if pull.allowed or pull.blobs:
            raise StepFailed(title, "mallory got the image.", cache_logs(HOME, where))
        status = _status(f"{url}/v2/{APP}/blobs/{digest}", authority.ca_path)
        say(f"    mallory asks the cache in China for a layer, without DTR's grant: {status}")
        if status != 403:
            raise StepFailed(title, f"the cache answered {status}, wanted 403.", cache_logs(HOME, where))
    return status


def _status(url: str, ca: Path) -> int:
    try:
        with urllib.request.urlopen(url, timeout=10, context=ssl.create_default_context(cafile=ca)) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def _layout(name: str) -> Path:
    return HOME / "images" / name


def _make_image(name: str, *, seed: int, base_seed: int | None = None) -> None:
    _layout(name).mkdir(parents=True, exist_ok=True)
    write_image(_layout(name), "1.0", layers=LAYERS, layer_size=LAYER_BYTES, seed=seed, base_seed=base_seed,
                base_layers=SHARED_LAYERS)


def _stop_caches(where: list[Office]) -> None:
    """For the endings that never reach the retirement; where it ran, there is nothing to stop."""
    for office in where:
        service = HOME / office.region / "current" / "service"
        if service.exists():
            subprocess.run([str(service), "stop"], check=False, timeout=60)


def _write_report(report: Mapping[str, object]) -> None:
    text = json.dumps(report, indent=2)
    if any(word in text for word in PASSWORDS.values()):
        raise AssertionError("a password is in the report")
    (HOME / "report.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
