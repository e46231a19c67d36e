"""The command line: what it prints, where, and with which exit code; a start that cannot succeed says why and ends."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from doubles.certificates import Authority, plain_server
from doubles.ports import free_port
from doubles.running_cache import eventually, running_cache, simple_config
from doubles.upstream import Upstream
from dtr_content_cache import __version__
from dtr_content_cache.__main__ import main


def run(*arguments: str, environ: dict[str, str] | None = None, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "dtr_content_cache", *arguments],
        capture_output=True, text=True, timeout=30, env={**os.environ, **(environ or {})}, **options,
    )  # fmt: skip


@pytest.fixture
def config(tmp_path: Path) -> dict[str, Any]:
    return simple_config(tmp_path / "volume", ["https://dtr.example.com"])


def written(tmp_path: Path, config: dict[str, Any]) -> str:
    path = tmp_path / "config.yml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    return str(path)


def test_it_says_its_name_and_version() -> None:
    done = run("--version")

    assert (done.returncode, done.stdout) == (0, f"dtr-content-cache {__version__}\n")


def test_without_a_configuration_it_says_what_it_wants() -> None:
    done = run()

    assert done.returncode == 2
    assert "configuration file" in done.stderr
    assert "Traceback" not in done.stderr


def test_check_says_that_a_good_file_is_good_and_touches_nothing(tmp_path: Path, config: dict[str, Any]) -> None:
    path = written(tmp_path, config)

    done = run("--check", path)

    assert (done.returncode, done.stdout) == (0, f"{path}: good\n")
    assert not (tmp_path / "volume").exists()


def test_check_warns_without_refusing(tmp_path: Path, config: dict[str, Any]) -> None:
    config["middleware"]["registry"][0]["options"]["blobttl"] = 24

    done = run("--check", written(tmp_path, config))

    assert done.returncode == 0
    assert "warning: " in done.stderr
    assert "blobttl" in done.stderr


def test_check_says_all_mistakes_one_a_line(tmp_path: Path, config: dict[str, Any]) -> None:
    config["middleware"]["registry"][0]["options"].update(blobttl="soon", upstreams=["ftp://x"], maxsize="big")

    done = run("--check", written(tmp_path, config))

    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert [any(key in line for line in lines) for key in ("blobttl", "upstreams", "maxsize")] == [True] * 3
    assert len(lines) == 3
    assert done.stdout == ""


def test_the_configuration_may_be_named_by_the_environment(tmp_path: Path, config: dict[str, Any]) -> None:
    path = written(tmp_path, config)

    assert run("--check", environ={"REGISTRY_CONFIGURATION_PATH": path}).returncode == 0


# -- starts that cannot succeed ---------------------------------------------------------------------------------------


def refused(done: subprocess.CompletedProcess[str]) -> str:
    """Its one sentence."""
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    said = [line for line in done.stderr.splitlines() if not line.startswith("time=")]
    assert len(said) == 1, done.stderr
    return said[0]


def test_a_file_that_does_not_exist(tmp_path: Path) -> None:
    assert "nowhere.yml" in refused(run(str(tmp_path / "nowhere.yml")))


@pytest.mark.parametrize("key", ["http.addr", "http.debug.addr"])
def test_a_port_that_is_taken(tmp_path: Path, config: dict[str, Any], key: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        if key == "http.addr":
            config["http"]["addr"] = address
        else:
            config["http"]["debug"] = {"addr": address}
        path = written(tmp_path, config)

        assert refused(run(path)) == f"{path}: {key}: cannot listen on {address}: Address already in use"


def test_a_host_that_has_no_address(tmp_path: Path, config: dict[str, Any]) -> None:
    config["http"]["addr"] = "no-such-host.invalid:5000"

    assert "http.addr: cannot listen on no-such-host.invalid:5000" in refused(run(written(tmp_path, config)))


def test_a_machine_without_descriptors_for_it(
    tmp_path: Path, config: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(socket, "socketpair", refuse)
    path = written(tmp_path, config)

    assert main([path]) == 1
    assert capsys.readouterr().err == f"{path}: this system does not let it run: Too many open files\n"


def test_a_root_directory_that_is_a_file(tmp_path: Path, config: dict[str, Any]) -> None:
    (tmp_path / "volume").write_text("a file")

    said = refused(run(written(tmp_path, config)))

    assert f"{tmp_path / 'volume'} cannot be used" in said
    assert "rootdirectory" in said


def test_a_root_directory_that_cannot_be_made(tmp_path: Path, config: dict[str, Any]) -> None:
    config["storage"]["filesystem"]["rootdirectory"] = "/sys/kernel/content-cache"  # not even root may

    said = refused(run(written(tmp_path, config)))

    assert "/sys/kernel/content-cache cannot be used (creating a folder: E" in said
    assert "wanted a folder that this user may write to" in said


def test_a_certificate_that_is_not_there(tmp_path: Path, config: dict[str, Any]) -> None:
    config["http"]["tls"] = {"certificate": str(tmp_path / "no.pem"), "key": str(tmp_path / "no-key.pem")}

    done = run(written(tmp_path, config))

    assert done.returncode == 1
    assert "no.pem" in done.stderr
    assert "Traceback" not in done.stderr


# -- probe ------------------------------------------------------------------------------------------------------------


def test_probe_tells_a_running_cache_from_a_stopped_one(tmp_path: Path) -> None:
    with Upstream() as upstream, running_cache(tmp_path, [upstream.url]) as cache:
        assert run("--probe", str(cache.config_path)).stdout == "healthy\n"
        cache.stop()

        done = run("--probe", str(cache.config_path))

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "the cache does not answer: Connection refused\n"


def test_probe_hears_what_the_debug_listener_says(tmp_path: Path) -> None:
    switch = tmp_path / "closed"
    debug = {"debug": {"addr": f"127.0.0.1:{free_port()}"}}
    dead = f"127.0.0.1:{free_port()}"
    health = {"health": {"tcp": [{"addr": dead, "interval": "50ms"}], "file": [{"file": str(switch)}]}}
    with (
        Upstream() as upstream,
        running_cache(tmp_path / "cache", [upstream.url], http=debug, sections=health) as cache,
    ):
        eventually(lambda: run("--probe", str(cache.config_path)).returncode == 1, 20)
        done = run("--probe", str(cache.config_path))

    assert done.stderr.startswith(f"unhealthy: {dead}: ")


def test_probe_in_mode_upstream_does_not_depend_on_the_upstream(tmp_path: Path) -> None:
    dead = f"http://127.0.0.1:{free_port()}"
    with running_cache(tmp_path, [dead], authorization="upstream") as cache:
        assert run("--probe", str(cache.config_path)).stdout == "healthy\n"


def test_probe_with_a_prefix(tmp_path: Path) -> None:
    with Upstream() as upstream, running_cache(tmp_path, [upstream.url], http={"prefix": "/a/b/"}) as cache:
        assert run("--probe", str(cache.config_path)).stdout == "healthy\n"


@pytest.mark.parametrize("client_cas", [False, True], ids=["tls", "mutual tls"])
@pytest.mark.parametrize("minimum", ["tls1.2", "tls1.3"])
def test_probe_over_tls_trusts_the_caches_own_certificate_only(tmp_path: Path, client_cas: bool, minimum: str) -> None:
    authority = Authority("ours")
    certificate, key = authority.issue(tmp_path, "cache.office.example")
    tls: dict[str, Any] = {"certificate": str(certificate), "key": str(key), "minimumtls": minimum}
    if client_cas:
        (tmp_path / "clients.pem").write_bytes(authority.pem)
        tls["clientcas"] = [str(tmp_path / "clients.pem")]
    with Upstream() as upstream, running_cache(tmp_path / "cache", [upstream.url], http={"tls": tls}) as cache:
        for _ in range(3):
            done = run("--probe", str(cache.config_path))
            assert (done.stdout, done.stderr) == ("healthy\n", "")

        certificate, key = Authority("stranger").issue(tmp_path, "cache.office.example", name="stranger")
        cache.config["http"]["tls"].update(certificate=str(certificate), key=str(key))
        done = run("--probe", written(tmp_path, cache.config))

    assert done.returncode == 1
    assert done.stderr.startswith("the cache's TLS does not work: ")


def test_probe_over_a_unix_socket(tmp_path: Path) -> None:
    http = {"net": "unix", "addr": str(tmp_path / "sock")}
    with Upstream() as upstream, running_cache(tmp_path / "cache", [upstream.url], http=http) as cache:
        assert run("--probe", str(cache.config_path)).stdout == "healthy\n"
        assert cache.stop() == 0
    assert not (tmp_path / "sock").exists()


# -- probe --fresh: what a deployment insists on ----------------------------------------------------------------------


def test_fresh_goes_with_probe(tmp_path: Path, config: dict[str, Any]) -> None:
    done = run("--fresh", written(tmp_path, config))

    assert done.returncode == 2
    assert "--fresh goes with --probe" in done.stderr


@pytest.mark.parametrize("debug", [False, True], ids=["alone", "with the debug listener"])
def test_a_redeployment_with_a_wrong_authority_is_healthy_by_memory_and_not_fresh(tmp_path: Path, debug: bool) -> None:
    theirs, wrong = Authority("theirs"), tmp_path / "wrong.pem"
    wrong.write_bytes(Authority("wrong").pem)
    right = tmp_path / "right.pem"
    right.write_bytes(theirs.pem)
    http = {"debug": {"addr": f"127.0.0.1:{free_port()}"}} if debug else {}
    with Upstream(plain_server(*theirs.issue(tmp_path, "127.0.0.1"))) as upstream:
        with running_cache(tmp_path / "cache", [upstream.url], http=http, cas=[str(right)]) as cache:
            path = str(cache.config_path)
            eventually(lambda: run("--probe", "--fresh", path).stdout == "healthy\n")
            cache.stop()
        with running_cache(tmp_path / "cache", [upstream.url], http=http, cas=[str(wrong)]):
            assert run("--probe", path).stdout == "healthy\n"

            def not_fresh() -> str:
                done = run("--probe", "--fresh", path)
                assert done.returncode == 1
                return done.stderr

            said = eventually(lambda: said if "certificate is not accepted" in (said := not_fresh()) else "")

    assert said.count("\n") == 1
    assert said.startswith("not fresh: ")
    assert f"{upstream.url}: " in said
    assert f"judged by the system's authorities, {wrong}" in said


@pytest.mark.parametrize("debug", [False, True], ids=["alone", "with the debug listener"])
def test_a_deployment_at_another_time_than_its_upstream_is_not_fresh(tmp_path: Path, debug: bool) -> None:
    http = {"debug": {"addr": f"127.0.0.1:{free_port()}"}} if debug else {}
    with Upstream(ahead_s=-3600) as upstream, running_cache(tmp_path, [upstream.url], http=http) as cache:
        path = str(cache.config_path)
        assert run("--probe", path).stdout == "healthy\n"
        said = eventually(lambda: said if "clock" in (said := run("--probe", "--fresh", path).stderr) else "")

    assert said.startswith("not fresh: ")
    assert "behind this host's, wanted at most 30 s (clockskew)" in said
    assert said.count("\n") == 1


def test_in_mode_upstream_fresh_asks_whether_the_upstream_can_be_reached(tmp_path: Path) -> None:
    with Upstream() as upstream, running_cache(tmp_path, [upstream.url], authorization="upstream") as cache:
        assert run("--probe", "--fresh", str(cache.config_path)).stdout == "healthy\n"
        upstream.stop()

        done = run("--probe", "--fresh", str(cache.config_path))

    assert done.returncode == 1
    assert done.stderr.startswith("not fresh: no upstream can be reached and trusted from here: ")


def test_fresh_asks_every_registry_of_a_cache(tmp_path: Path) -> None:
    with Upstream() as one, Upstream() as other:
        several = [{"name": "two", "upstreams": [other.url]}]
        with running_cache(tmp_path, [one.url], authorization="upstream", registries=several) as cache:
            assert run("--probe", "--fresh", str(cache.config_path)).stdout == "healthy\n"
            other.stop()

            done = run("--probe", "--fresh", str(cache.config_path))

    assert done.returncode == 1
    assert done.stderr.startswith("not fresh: no upstream of two can be reached and trusted from here: ")


def test_traces_that_cannot_be_had_end_the_start_with_one_sentence(tmp_path: Path, config: dict[str, Any]) -> None:
    done = run(written(tmp_path, config), environ={"OTEL_TRACES_EXPORTER": "jaeger"})

    assert refused(done) == "OTEL_TRACES_EXPORTER: found 'jaeger', wanted otlp or none"
