"""The clients that people use, as Debian ships them: skopeo, and containerd with its `ctr`.

Each works in a folder of its own and trusts one PEM bundle, as a machine of an office does; nothing of this machine's
own configuration, store or service is touched.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from .running_cache import eventually

Done = subprocess.CompletedProcess[str]


def need(program: str, package: str, *, root: bool = False) -> None:
    """Skip the test, with the reason, where the client cannot run; `make test-runtime` installs it where it can."""
    if not shutil.which(program):
        pytest.skip(f"the program {program} is not installed (Debian package {package})")
    if root and os.geteuid() != 0:
        pytest.skip(f"{program} works as root only")


class Skopeo:
    """`plain`: registries are spoken to without TLS. `credentials` are `account:password`, empty for none."""

    def __init__(self, folder: Path, trust: Path, *, plain: bool = False) -> None:
        self._folder, self._trust, self._plain = folder, trust, plain

    def pull(self, reference: str, name: str, credentials: str) -> Done:
        """Copy `docker://reference` into the layout folder `name`."""
        return self.start(reference, name, credentials).finish()

    def start(self, reference: str, name: str, credentials: str) -> Pull:
        login = ["--src-creds", credentials] if credentials else ["--src-no-creds"]
        options = [*login, *(["--src-tls-verify=false"] if self._plain else [])]
        return self._copy(options, f"docker://{reference}", f"oci:{self._folder / name}:1.0")

    def push(self, layout: Path, tag: str, reference: str, credentials: str) -> Done:
        """Copy what `tag` names in the layout folder, every platform of it, to `docker://reference`, without TLS."""
        options = ["--all", "--dest-tls-verify=false", "--dest-creds", credentials]
        return self._copy(options, f"oci:{layout}:{tag}", f"docker://{reference}").finish()

    def _copy(self, options: list[str], source: str, target: str) -> Pull:
        command = ["skopeo", "--insecure-policy", "--tmpdir", str(self._folder), "copy", *options, source, target]
        return Pull(command, _environ(self._folder, self._trust))

    def blobs(self, name: str) -> set[str]:
        return {f"sha256:{path.name}" for path in (self._folder / name / "blobs/sha256").iterdir()}


class Pull:
    """A pull under way."""

    def __init__(self, command: list[str], environ: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ
        )

    def finish(self, within_s: float = 60) -> Done:
        try:
            out, said = self._process.communicate(timeout=within_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise
        return subprocess.CompletedProcess(self._process.args, self._process.returncode, out, said)


class Containerd:
    """`running_containerd` makes one. Each `namespace` has an image store of its own, empty at first."""

    def __init__(self, folder: Path, trust: Path) -> None:
        self._socket, self._environ = folder / "containerd.sock", _environ(folder, trust)
        self._hosts, self._trust = folder / "certs.d", trust

    def ctr(self, *arguments: str, namespace: str = "default") -> Done:
        return Pull(self._command(namespace, arguments), self._environ).finish()

    def start_pull(self, reference: str, credentials: str, namespace: str) -> Pull:
        registry = reference.partition("/")[0]
        # Without it, containerd would speak plain HTTP to a registry on this machine.
        self._reach(registry, f'[host."https://{registry}"]\nca = "{self._trust}"\n')
        options = ("--snapshotter", "native", "--hosts-dir", str(self._hosts), "--user", credentials)
        pull = ("images", "pull", *options, reference)
        return Pull(self._command(namespace, pull), self._environ)

    def pull(self, reference: str, credentials: str, namespace: str = "default") -> Done:
        return self.start_pull(reference, credentials, namespace).finish()

    def pull_by(self, mirror: str, reference: str, credentials: str, namespace: str) -> Done:
        """Pull `reference` of a registry that is only reached by its mirror, a cache at the plain URL `mirror`."""
        registry = reference.partition("/")[0]
        self._reach(registry, f'[host."{mirror}"]\ncapabilities = ["pull", "resolve"]\n')
        options = ["--snapshotter", "native", "--hosts-dir", str(self._hosts)]
        login = ["--user", credentials] if credentials else []
        return self.ctr("images", "pull", *options, *login, reference, namespace=namespace)

    def _reach(self, registry: str, host: str) -> None:
        """At once and whole: a pull that is under way reads it, too."""
        hosts = self._hosts / registry / "hosts.toml"
        hosts.parent.mkdir(parents=True, exist_ok=True)
        beside = hosts.with_suffix(".new")
        beside.write_text(f'server = "https://{registry}"\n{host}', encoding="utf-8")
        beside.replace(hosts)

    def blobs(self, namespace: str = "default") -> set[str]:
        return set(self.ctr("content", "ls", "-q", namespace=namespace).stdout.split())

    def _command(self, namespace: str, arguments: tuple[str, ...]) -> list[str]:
        return ["ctr", "--address", str(self._socket), "--namespace", namespace, *arguments]


@contextmanager
def running_containerd(trust: Path) -> Iterator[Containerd]:
    """A private containerd: own root, state and socket, native snapshotter, no CRI. It leaves nothing behind."""
    # A Unix socket's path may have 107 bytes, which pytest's own folders can exceed.
    with tempfile.TemporaryDirectory(prefix="containerd-") as name:
        folder = Path(name)
        config = folder / "config.toml"
        config.write_text(
            f'version = 2\nroot = "{folder}/root"\nstate = "{folder}/state"\n'
            'disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.snapshotter.v1.btrfs", '
            '"io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.devmapper"]\n'
            f'[grpc]\naddress = "{folder}/containerd.sock"\n[ttrpc]\naddress = "{folder}/ttrpc.sock"\n'
            f'[plugins."io.containerd.internal.v1.opt"]\npath = "{folder}/opt"\n'
            # Or one namespace would take its blobs from another, without asking any registry.
            '[plugins."io.containerd.metadata.v1.bolt"]\ncontent_sharing_policy = "isolated"\n',
            encoding="utf-8",
        )
        with (folder / "log").open("w+") as log:
            process = subprocess.Popen(["containerd", "--config", str(config)], stdout=log, stderr=log)
            try:
                containerd = Containerd(folder, trust)
                eventually(lambda: process.poll() is not None or containerd.ctr("version").returncode == 0, 30)
                if process.poll() is not None:
                    log.seek(0)
                    raise AssertionError(f"containerd did not start:\n{log.read()[-2000:]}")
                yield containerd
            finally:
                process.terminate()
                process.wait(20)


def _environ(folder: Path, trust: Path) -> dict[str, str]:
    (folder / "home").mkdir(exist_ok=True)
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder / "home"),
        "XDG_RUNTIME_DIR": str(folder / "home"),
        "SSL_CERT_FILE": str(trust),
        "SSL_CERT_DIR": "/nonexistent",
    }
