"""What starts and stops a cache without a container: the script where there is no service manager, and the unit."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from role_files import role_file

ENVIRONMENT = {"HTTPS_PROXY": "http://proxy.example.com:3128", "NO_PROXY": "10.0.0.0/8 it's %n $HOME"}
SECRET = {"HTTPS_PROXY": r"http://user:it's \"a\" $HOME `id` \\ %n@proxy.example.com:3128", "NO_PROXY": ".example.com"}
PROGRAM = """#!{python}
import os, pathlib, signal, sys
signal.signal(signal.SIGHUP, lambda *_: pathlib.Path({heard!r}).write_text("hangup"))
pathlib.Path({ready!r}).write_text("|".join([sys.argv[1], *(os.environ[name] for name in {names!r})]))
while True:
    signal.pause()
"""


@pytest.fixture(scope="module")
def texts(render: Callable, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The script of a cache in a folder of its own, and its units."""
    folder = tmp_path_factory.mktemp("office cache")
    base = {"cache_host_engine": "process", "cache_host_upstreams": ["https://dtr.example.com"],
            "cache_host_environment": ENVIRONMENT,
            "cache_host_directory": str(folder), "cache_host_command": str(folder / "program")}
    script = render({"script": base}, "{{ lookup('ansible.builtin.template', 'service.sh.j2') }}")
    units = {manager: base | {"cache_host_process_manager": manager, "cache_host_port": port,
                              "cache_host_directory": "/etc/office", "cache_host_command": sys.executable}
             for manager, port in (("systemd", 443), ("systemd_user", 5000))}
    unit = render(units, "{{ lookup('ansible.builtin.template', 'service.unit.j2') }}")
    secret = render({f"secret {name}": case | {"cache_host_environment": SECRET} for name, case in
                     (("script", base), ("unit", units["systemd"]))},
                    "{{ cache_host__service_files | to_json }}")
    return script | unit | secret | {"folder": str(folder)}


class Service:
    """The script on a program that does nothing but live."""

    def __init__(self, folder: Path, text: str) -> None:
        self.folder, self.ready, self.heard = folder, folder / "ready", folder / "heard"
        os.mkfifo(self.ready)
        os.mkfifo(self.heard)
        (folder / "current").mkdir()
        program = PROGRAM.format(python=sys.executable, heard=str(self.heard), ready=str(self.ready),
                                 names=list(ENVIRONMENT))
        for path, content in ((folder / "program", program), (folder / "current" / "service", text)):
            path.write_text(content, encoding="utf-8")
            path.chmod(0o755)

    def __call__(self, word: str) -> subprocess.CompletedProcess[str]:
        command = [str(self.folder / "current" / "service"), word]
        return subprocess.run(command, capture_output=True, text=True, timeout=30)

    @property
    def pid(self) -> str:
        return (self.folder / "cache.pid").read_text().strip()


@pytest.fixture
def service(texts: dict[str, str]) -> Iterator[Service]:
    folder = Path(texts["folder"])
    shutil.rmtree(folder)
    folder.mkdir()
    service = Service(folder, texts["script"])
    yield service
    service("stop")


def lives(pid: str) -> bool:
    """A process that ended and was not waited for has no command line any more."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes() != b""
    except FileNotFoundError:
        return False


def test_a_service_runs_once_reloads_and_stops(service: Service) -> None:
    assert (service("status").stdout, service("status").returncode) == ("stopped\n", 3)
    assert service("start").returncode == 0
    told = "|".join([str(service.folder / "current" / "config.yml"), *ENVIRONMENT.values()])
    assert service.ready.read_text() == told
    pid = service.pid
    assert service("start").returncode == 0
    assert service("status").stdout == f"running {pid}\n"
    assert service("reload").returncode == 0
    assert service.heard.read_text() == "hangup"
    assert service("stop").returncode == 0
    assert service("status").stdout == "stopped\n"
    assert not lives(pid)


def test_a_secret_of_the_environment_is_in_a_file_of_its_own_and_comes_to_the_program_as_it_is(
    texts: dict[str, str], service: Service
) -> None:
    release = service.folder / "current"
    for name, text in json.loads(texts["secret script"]).items():
        (release / name).write_text(text, encoding="utf-8")
    assert "user:" not in (release / "service").read_text(encoding="utf-8")
    assert service("start").returncode == 0
    assert service.ready.read_text() == "|".join([str(release / "config.yml"), *SECRET.values()])


def test_a_unit_that_everybody_may_read_names_the_file_and_not_the_secret(texts: dict[str, str]) -> None:
    files = json.loads(texts["secret unit"])
    assert "user:" not in files["unit"]
    assert "EnvironmentFile=/etc/office/current/environment" in files["unit"]
    modes = role_file("cache_host", "vars/main.yml")["cache_host__service_modes"]
    assert {name: modes[name] for name in files} == {"unit": "0644", "environment": "0600"}


def test_somebody_elses_process_under_our_old_number_is_left_alone(service: Service) -> None:
    stranger = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
    try:
        (service.folder / "cache.pid").write_text(f"{stranger.pid}\n")
        assert service("status").stdout == "stopped\n"
        assert service("reload").returncode != 0
        assert service("stop").returncode == 0
        assert stranger.poll() is None
    finally:
        stranger.send_signal(signal.SIGKILL)
        stranger.wait()


def test_a_word_that_the_service_does_not_know_is_answered_with_those_that_it_knows(service: Service) -> None:
    answer = service("dance")
    assert (answer.returncode, "status|start|stop|restart|reload" in answer.stderr) == (2, True)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed here")
@pytest.mark.parametrize("manager", ["systemd", "systemd_user"])
def test_systemd_understands_the_unit(texts: dict[str, str], manager: str, tmp_path: Path) -> None:
    unit = tmp_path / "office-cache.service"
    unit.write_text(texts[manager], encoding="utf-8")
    scope = ["--user"] if manager == "systemd_user" else []
    environment = os.environ | {"XDG_RUNTIME_DIR": str(tmp_path), "SYSTEMD_LOG_LEVEL": "warning"}
    done = subprocess.run(["systemd-analyze", *scope, "verify", "--man=no", str(unit)], env=environment,
                          capture_output=True, text=True, timeout=60)
    complaints = [line for line in done.stderr.splitlines() if unit.name in line]
    assert complaints == []


def test_the_environment_of_a_unit_is_taken_as_it_is_written(texts: dict[str, str]) -> None:
    assert 'Environment="HTTPS_PROXY=http://proxy.example.com:3128"' in texts["systemd"]
    assert """Environment="NO_PROXY=10.0.0.0/8 it's %%n $HOME\"""" in texts["systemd_user"]


def test_only_a_port_below_1024_costs_a_capability(texts: dict[str, str]) -> None:
    assert "AmbientCapabilities=CAP_NET_BIND_SERVICE" in texts["systemd"]
    assert "Capabilit" not in texts["systemd_user"]


def test_a_log_that_grew_too_long_is_kept_once_and_begun_anew_while_the_cache_goes_on_writing(service: Service) -> None:
    log, older = service.folder / "cache.log", service.folder / "cache.log.1"
    log.write_bytes(b"x" * 1000)
    service("status")
    assert (log.stat().st_size, older.exists()) == (1000, False)
    with log.open("ab") as written:
        os.truncate(log, 11 << 20)
        assert service("rotate").returncode == 0
        assert (log.stat().st_size, older.stat().st_size) == (0, 11 << 20)
        written.write(b"one more line\n")
    assert log.read_bytes() == b"one more line\n"
