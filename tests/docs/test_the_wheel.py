"""The wheel does what its page says: in a new environment, with the locked libraries and nothing of this checkout."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from blocks import TOP, blocks_of
from doubles.ports import free_port
from dtr_content_cache import __version__
from sandbox import Sandbox

BLOCKS = [block for block in blocks_of(TOP / "docs/how-to/without-containers.md") if block.kind == "wheel"]
CONFIG = """
version: 0.1
storage: {{filesystem: {{rootdirectory: {home}/data}}}}
http: {{addr: "127.0.0.1:{port}"}}
middleware: {{registry: [{{name: downstream, options: {{upstreams: ["https://dtr.example.invalid"], minfree: 1MB}}}}]}}
"""


@pytest.fixture(scope="module")
def host(sandbox: Sandbox) -> Sandbox:
    """A sandbox with the wheel and the requirements, in which /opt and /etc lie."""
    folder = sandbox.home / "build/wheel"
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder)]
    subprocess.run([*command, str(TOP / "cache_runtime")], check=True, capture_output=True, text=True)
    sandbox.write("requirements/runtime.txt", (TOP / "requirements/runtime.txt").read_text(encoding="utf-8"))
    sandbox.write("etc/dtr-content-cache/config.yml", CONFIG.format(home=sandbox.home, port=free_port()))
    for block in BLOCKS:
        text = re.sub(r"(?<=[ \n])/(?=opt/|etc/)", f"{sandbox.home}/", f"\n{block.text}")
        code = sandbox.run(text.replace("python3 -m venv", f"{sys.executable} -m venv"))
        assert code == 0, f"{block}: {sandbox.said}"
    return sandbox


@pytest.mark.timeout(300)
def test_the_commands_of_the_page_install_it_and_check_a_configuration(host: Sandbox):
    assert "config.yml: good" in host.said


def test_it_names_the_version_that_the_checkout_has(host: Sandbox):
    assert _run(host, "--version").stdout.strip() == f"dtr-content-cache {__version__}"


def test_it_runs_from_its_own_environment_alone(host: Sandbox):
    done = subprocess.run([str(_bin(host) / "python"), "-c", "import dtr_content_cache as c; print(c.__file__)"],
                          capture_output=True, text=True, check=True, cwd=host.home, env={})
    assert str(host.home) in done.stdout


def test_it_serves(host: Sandbox):
    config = host.home / "etc/dtr-content-cache/config.yml"
    port = re.search(r"127\.0\.0\.1:(\d+)", config.read_text(encoding="utf-8"))[1]
    with subprocess.Popen([str(_bin(host) / "dtr-content-cache"), str(config)], stdout=subprocess.PIPE, env={},
                          stderr=subprocess.STDOUT, text=True) as process:
        try:
            assert process.stdout is not None
            assert any("listening" in line for line in iter(process.stdout.readline, ""))
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/v2/") as answer:
                assert answer.status == 200
        finally:
            process.terminate()
    assert process.returncode == 0


def test_its_unit_is_one_that_systemd_takes(host: Sandbox):
    unit = host.home / "opt/dtr-content-cache/lib/systemd/system/dtr-content-cache.service"
    text = unit.read_text(encoding="utf-8")
    assert (host.home / "opt/dtr-content-cache/lib/sysusers.d/dtr-content-cache.conf").is_file()
    if not shutil.which("systemd-analyze"):
        pytest.skip("the program systemd-analyze is not installed (Debian package systemd)")
    here = host.home / "dtr-content-cache.service"
    here.write_text(text.replace("/opt/", f"{host.home}/opt/"), encoding="utf-8")
    done = subprocess.run(["systemd-analyze", "verify", str(here)], capture_output=True, text=True, check=False)
    assert not [line for line in done.stderr.splitlines() if here.name in line], done.stderr


def _bin(host: Sandbox) -> Path:
    return host.home / "opt/dtr-content-cache/bin"


def _run(host: Sandbox, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(_bin(host) / "dtr-content-cache"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, env={})
