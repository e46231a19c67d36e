"""The images that dtr-simulator-image writes are real ones."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
from dtr_simulator.image import write_image
from dtr_simulator.layer import write_layer


def read(folder: Path, digest: str) -> bytes:
    content = (folder / "blobs/sha256" / digest.removeprefix("sha256:")).read_bytes()
    assert "sha256:" + hashlib.sha256(content).hexdigest() == digest
    return content


def test_every_digest_and_size_is_right_down_to_the_tar_inside(tmp_path: Path) -> None:
    image = write_image(tmp_path, "1.0", layers=3, layer_size=50_000)
    manifest = json.loads(read(tmp_path, image.digest))
    config = json.loads(read(tmp_path, manifest["config"]["digest"]))
    for layer, diff_id in zip(manifest["layers"], config["rootfs"]["diff_ids"], strict=True):
        content = read(tmp_path, layer["digest"])
        assert len(content) == layer["size"] == image.blobs[layer["digest"]]
        plain = gzip.decompress(content)
        assert "sha256:" + hashlib.sha256(plain).hexdigest() == diff_id
        with tarfile.open(fileobj=io.BytesIO(plain)) as archive:
            assert archive.getmembers()[0].size == 50_000
    assert len(image.blobs) == 4


def test_the_same_seed_is_the_same_image_and_another_seed_another(tmp_path: Path) -> None:
    first = write_image(tmp_path / "a", "1.0", layers=2, layer_size=3_000_000, seed=1)
    assert write_image(tmp_path / "b", "1.0", layers=2, layer_size=3_000_000, seed=1) == first
    assert not set(write_image(tmp_path / "c", "1.0", layers=2, layer_size=3_000_000, seed=2).blobs) & set(first.blobs)


def test_a_layer_does_not_compress() -> None:
    file = io.BytesIO()
    layer = write_layer(file, "0/0/0", 1_000_000)
    assert len(gzip.compress(file.getvalue())) > 0.95 * layer.size


def test_other_tags_stay_when_one_moves(tmp_path: Path) -> None:
    write_image(tmp_path, "1.0", layers=1, layer_size=10)
    write_image(tmp_path, "2.0", layers=1, layer_size=10, seed=2)
    write_image(tmp_path, "1.0", layers=1, layer_size=10, seed=3)
    entries = json.loads((tmp_path / "index.json").read_bytes())["manifests"]
    assert sorted(one["annotations"]["org.opencontainers.image.ref.name"] for one in entries) == ["1.0", "2.0"]
    assert not [path for path in tmp_path.rglob(".*") if path.is_file()]


@pytest.mark.skipif(not shutil.which("skopeo"), reason="the program skopeo is not installed (Debian package skopeo)")
def test_skopeo_reads_the_layout(tmp_path: Path) -> None:
    image = write_image(tmp_path, "1.0", layers=2, layer_size=1000)
    done = subprocess.run(["skopeo", "inspect", f"oci:{tmp_path}:1.0"], capture_output=True, text=True, timeout=30)
    assert json.loads(done.stdout)["Digest"] == image.digest
