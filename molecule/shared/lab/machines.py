"""Machines of a lab, each a container: started, asked and written to by the `docker` command.

Owns: what a machine may do on the engine below it. Does not own: which machines there are, or what runs in them.
Rule: a machine is never privileged; where CAP_SYS_RESOURCE is missing a privileged container cannot be started.
"""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO

_READY_WITHIN_S = 90
_CAPABILITIES = ("SYS_ADMIN", "NET_ADMIN", "NET_RAW", "SYS_PTRACE", "DAC_READ_SEARCH", "IPC_LOCK")
# An engine remounts and mounts inside, and gives its containers devices.
_MAY = [
    "--security-opt=seccomp=unconfined",
    "--security-opt=apparmor=unconfined",
    "--device-cgroup-rule=a *:* rwm",
    *(f"--cap-add={capability}" for capability in _CAPABILITIES),
]


class Failed(Exception):
    """A command of Docker, or one inside a machine, failed; says which and what it wrote."""


@dataclass(frozen=True)
class Machines:
    suffix: str  # of container names
    labels: Mapping[str, str]
    network: str
    image: str

    def make_network(self) -> None:
        _docker("network", "create", *self._labels(), self.network)

    def start(
        self,
        name: str,
        command: Sequence[str],
        aliases: Sequence[str],
        environment: Mapping[str, str],
        volumes: Mapping[str, str],
    ) -> None:
        """`volumes`: name → path in the machine; machines share a volume of one name, "" is a volume of its own."""
        options = ["--init", "--pull=never", f"--name={name}-{self.suffix}", f"--hostname={name}"]
        options += [*self._labels(), *_MAY]
        options += [f"--network={self.network}", *(f"--network-alias={alias}" for alias in aliases)]
        options += [f"--env={key}={value}" for key, value in environment.items()]
        options += [self._volume(volume, path) for volume, path in volumes.items()]
        _docker("run", "--detach", *options, self.image, *command)

    def ask(self, name: str, command: str, stdin: IO[bytes] | bytes = b"") -> str:
        """What a shell command in the machine wrote."""
        return _docker("exec", "--interactive", f"{name}-{self.suffix}", "sh", "-c", command, stdin=stdin)

    def write(self, name: str, path: str, text: str) -> None:
        quoted = shlex.quote(path)
        self.ask(name, f'mkdir -p "$(dirname {quoted})" && cat >{quoted} && chmod 644 {quoted}', text.encode())

    def wait_until(self, name: str, command: str) -> None:
        """One call for the whole wait: the shell in the machine asks again until the command succeeds."""
        loop = f"until {command} >/dev/null 2>&1; do sleep 0.1; done"
        try:
            self.ask(name, f"timeout {_READY_WITHIN_S} sh -c {shlex.quote(loop)}")
        except Failed:
            log = _docker("logs", "--tail=20", f"{name}-{self.suffix}")
            raise Failed(f"{name}: '{command}' did not succeed within {_READY_WITHIN_S} s; it wrote: {log}") from None

    def address(self, name: str) -> str:
        form = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
        return _docker("inspect", f"--format={form}", f"{name}-{self.suffix}").strip()

    def _labels(self) -> list[str]:
        return [f"--label={key}={value}" for key, value in self.labels.items()]

    def _volume(self, name: str, path: str) -> str:
        # Labelled too, so that one that outlives its machine is found.
        labels = [f"volume-label={key}={value}" for key, value in self.labels.items()]
        source = [f"source={name}-{self.suffix}"] if name else []
        return "--mount=" + ",".join(["type=volume", *source, f"target={path}", *labels])


def _docker(*arguments: str, stdin: IO[bytes] | bytes = b"") -> str:
    given = {"input": stdin} if isinstance(stdin, bytes) else {"stdin": stdin}
    done = subprocess.run(["docker", *arguments], **given, capture_output=True, check=False)
    if done.returncode != 0:
        wrote = (done.stderr or done.stdout).decode(errors="replace").strip()
        raise Failed(f"docker {arguments[0]} … {arguments[-1]}: {wrote}")
    return (done.stdout + done.stderr if arguments[0] == "logs" else done.stdout).decode(errors="replace")
