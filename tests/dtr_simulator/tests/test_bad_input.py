"""Every wrong input ends in one sentence for each mistake, exit code 1, and nothing listening."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest
from dtr_simulator.__main__ import main
from dtr_simulator.image import main as image_main
from dtr_simulator.image import write_image

GOOD = "accounts: [{name: alice, password: secret}]\nrepositories: [{name: org/app, readers: [alice]}]\n"


class Refusal:
    """Runs the command with wrong input and keeps what it said."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._capsys = folder, capsys
        self.accounts = folder / "accounts.yml"
        self.accounts.write_text(GOOD)

    def of(self, *arguments: str, accounts: str | None = None) -> list[str]:
        if accounts is not None:
            self.accounts.write_text(accounts)
        code = main(["--listen", "127.0.0.1:0", "--state", str(self.folder / "state"), "--accounts",
                     str(self.accounts), "--registry-wait", "0", *arguments])
        said = self._capsys.readouterr()
        assert code == 1
        assert "listening" not in said.out
        assert "Traceback" not in said.err
        assert "secret" not in said.err
        lines = said.err.splitlines()
        assert all(line.startswith("dtr-simulator: ") for line in lines)
        return [line.removeprefix("dtr-simulator: ") for line in lines]


@pytest.fixture
def refusal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Refusal:
    return Refusal(tmp_path, capsys)


def test_all_mistakes_of_the_accounts_file_are_said_at_once(refusal: Refusal) -> None:
    said = refusal.of(accounts="""
accounts:
  - {name: alice, password: 1234}
  - {name: alice, password: secret, admin: "yes"}
  - {name: "a b", password: ""}
  - just text
  - {name: dave, pasword: secret}
repositories:
  - {name: App, readers: [alice]}
  - {name: org/app, readers: [nobody], writers: alice, public: 1}
extra: 1
""")
    file = str(refusal.accounts)
    assert said == [
        f"{file}.extra: unknown key, wanted one of accounts, repositories",
        f"{file}: accounts[0].password: found a number, wanted a text (in quotes if it looks like a number)",
        f"{file}: accounts[1].admin: found a text, wanted true or false",
        f"{file}: accounts[1].name: found 'alice' a second time, wanted each account once",
        f"{file}: accounts[2].name: found 'a b', wanted letters, digits, '.', '_', '-' (100 at most)",
        f"{file}: accounts[2].password: found an empty text, wanted a text (in quotes if it looks like a number)",
        f"{file}: accounts[3]: found a text, wanted a mapping with name, password, admin, active",
        f"{file}: accounts[4].pasword: unknown key, wanted one of name, password, admin, active",
        f"{file}: accounts[4].password: found nothing, wanted a text (in quotes if it looks like a number)",
        f"{file}: repositories[0].name: found 'App', wanted organisation/name in lower case",
        f"{file}: repositories[1].readers: found 'nobody', wanted an account of this file",
        f"{file}: repositories[1].writers: found a text, wanted a list of account names",
        f"{file}: repositories[1].public: found a number, wanted true or false",
    ]


@pytest.mark.parametrize(("text", "part"), [
    ("", "found nothing, wanted a mapping with accounts, repositories"),
    ("[]", "found a list, wanted a mapping"), ("accounts: []", "accounts: found a list, wanted a list with at least"),
    ("repositories: []", "accounts: found nothing, wanted a list"),
    ("accounts: {name: secret\nx: [", "not YAML at line"), ("a: !!python/object:os.system secret", "not YAML"),
])
def test_an_accounts_file_of_another_shape_is_one_sentence(refusal: Refusal, text: str, part: str) -> None:
    said = refusal.of(accounts=text)
    assert len(said) == 1
    assert said[0].startswith(str(refusal.accounts))
    assert part in said[0]


def test_an_accounts_file_that_is_missing_or_no_text_is_said(refusal: Refusal) -> None:
    refusal.accounts.write_bytes(b"\xff\xfe")
    assert refusal.of() == [f"{refusal.accounts}: found bytes that are not UTF-8, wanted YAML text"]
    refusal.accounts.unlink()
    assert refusal.of() == [f"{refusal.accounts}: cannot be read (No such file or directory), wanted the accounts file"]


@pytest.mark.parametrize(("arguments", "sentence"), [
    (["--listen", "8443"], "--listen 8443: wanted HOST:PORT, as in 127.0.0.1:8443"),
    (["--listen", "127.0.0.1:70000"], "--listen 127.0.0.1:70000: wanted HOST:PORT, as in 127.0.0.1:8443"),
    (["--listen", "192.0.2.1:0"], "--listen 192.0.2.1:0: Cannot assign requested address"),
    (["--url", "dtr.test"], "--url dtr.test: wanted https://host[:port], nothing behind it"),
    (["--url", "http://dtr.test"], "--url http://dtr.test: wanted https://host[:port], nothing behind it"),
    (["--plain-http", "--url", "https://d"], "--url https://d: wanted http://host[:port], nothing behind it"),
    (["--san", "a b"], "--san a b: wanted a host name or an IP address"),
    (["--grant-lifetime", "2h"], "--grant-lifetime 2h: wanted a time like 30s, 10m or 1h, from 1s to 3600s"),
    (["--token-lifetime", "x"], "--token-lifetime x: wanted a time like 30s, 10m or 1h, from 1s to 86400s"),
    (["--quirk", "x=1"], "--quirk x=1: unknown switch, wanted one of delete-missing,"),
    (["--quirk", "patch-reply=x"], "--quirk patch-reply=x: unknown position, wanted settings or empty"),
    (["--layout", "app=/x"], "--layout app=/x: wanted organisation/name=DIRECTORY"),
    (["--registry", "x:5000"], "--registry x:5000: wanted http://host:port or https://host:port"),
    (["--registry", "http://127.0.0.1:1"], "--registry http://127.0.0.1:1: "),
    (["--frob"], "unrecognized arguments: --frob (dtr-simulator --help lists the options)"),
])
def test_a_wrong_option_is_one_sentence(refusal: Refusal, arguments: list[str], sentence: str) -> None:
    said = refusal.of(*arguments)
    assert len(said) == 1
    assert said[0].startswith(sentence)


def test_a_port_in_use_is_said(refusal: Refusal) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert refusal.of("--listen", f"127.0.0.1:{port}") == [f"--listen 127.0.0.1:{port}: Address already in use"]


def test_a_layout_that_cannot_be_served_is_said(refusal: Refusal, tmp_path: Path) -> None:
    folder = tmp_path / "layout"
    option = f"--layout=org/app={folder}"
    assert "no such directory" in refusal.of(option)[0]
    folder.mkdir()
    assert [line.split(": ", 2)[2] for line in refusal.of(option)] == [
        "missing or unreadable, wanted an OCI image layout",
        "cannot be used (FileNotFoundError), wanted an OCI image index"]
    image = write_image(folder, "1.0", layers=1, layer_size=10)
    (folder / "blobs/sha256" / image.digest.removeprefix("sha256:")).unlink()
    assert f"tag 1.0: {image.digest} is not among the blobs" in refusal.of(option)[0]
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "2.0"}')
    assert "found version '2.0', wanted 1.0.0" in refusal.of(option)[0]
    (folder / "index.json").write_text('{"manifests": [{"digest": "../../etc/passwd"}]}')
    assert "digest other than sha256" in refusal.of(option)[1]


def test_mistakes_of_different_inputs_are_said_together(refusal: Refusal) -> None:
    said = refusal.of("--layout=org/app=/none", "--registry", "http://127.0.0.1:1", accounts="{}")
    assert [line.split(":")[0] for line in said] == [str(refusal.accounts), "--layout org/app", "--registry http"]


def test_a_state_that_cannot_be_used_is_said(refusal: Refusal, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert refusal.of("--state", str(tmp_path / "file"))[0].startswith(f"--state {tmp_path}/file: File exists")
    state = tmp_path / "state"
    state.mkdir(exist_ok=True)
    (state / "registrations.json").write_text("{")
    assert "registrations.json: found something unreadable" in refusal.of()[0]
    (state / "registrations.json").unlink()
    (state / "ca.pem").write_text("no certificate")
    assert "found a CA that cannot be read" in refusal.of()[0]


def test_a_registry_that_wants_a_login_is_said(refusal: Refusal, dtr: Any) -> None:
    from dtr_simulator.running import running_simulator
    with running_simulator(plain_http=True) as guarded:
        assert "it asks for a login" in refusal.of("--registry", guarded.url)[0]


@pytest.mark.parametrize(("arguments", "sentences"), [
    (["--layers", "0", "--layer-size", "8 MB", "--tag", "-x", "--platform", "arm", "--seed", "x"],
     ["--platform arm: wanted os/architecture", "--tag -x: wanted letters", "--seed x: wanted a number from 0",
      "--layers 0: wanted a number from 1 to 127", "--layer-size 8 MB: wanted a size like 300kB"]),
    (["--frob"], ["unrecognized arguments: --frob"]),
])
def test_a_wrong_option_of_the_image_command_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str],
                                                          arguments: list[str], sentences: list[str]) -> None:
    arguments = [argument if argument != "-x" else "=x" for argument in arguments]
    sentences = [sentence.replace("-x", "=x") for sentence in sentences]
    assert image_main([str(tmp_path / "out"), *arguments]) == 1
    said = capsys.readouterr().err.splitlines()
    assert len(said) == len(sentences)
    for line, sentence in zip(said, sentences, strict=True):
        assert line.startswith(f"dtr-simulator-image: {sentence}")
    assert not (tmp_path / "out").exists()


def test_the_image_command_says_when_the_folder_is_unusable(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert image_main([str(tmp_path / "file")]) == 1
    assert "wanted a directory for an OCI image layout" in capsys.readouterr().err
    (tmp_path / "index.json").write_text("{")
    assert image_main([str(tmp_path), "--layers", "1", "--layer-size", "10B"]) == 1
    assert "found an index.json that cannot be read" in capsys.readouterr().err


def test_the_image_command_writes_what_it_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert image_main([str(tmp_path), "--tag", "2.0", "--layers", "2", "--layer-size", "10kB"]) == 0
    tag, digest, *_ = capsys.readouterr().out.split()
    index = json.loads((tmp_path / "index.json").read_bytes())
    assert (tag, digest) == ("2.0", index["manifests"][0]["digest"])
