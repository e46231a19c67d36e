"""Image names and platforms, good and bad."""

from __future__ import annotations

import pytest
from ansible_collections.dtr.caches.plugins.module_utils.errors import WrongOption
from ansible_collections.dtr.caches.plugins.module_utils.image_reference import (
    ImageReference,
    Platform,
    parse_image,
    parse_platform,
)

DIGEST = "sha256:" + "ab" * 32


@pytest.mark.parametrize(
    ("text", "image"),
    [
        ("org/app", ImageReference("org/app", "latest")),
        ("org/app:1.0", ImageReference("org/app", "1.0")),
        (f"org/app@{DIGEST}", ImageReference("org/app", "", DIGEST)),
        (f"org/app:1.0@{DIGEST}", ImageReference("org/app", "1.0", DIGEST)),
        ("dtr.example.com:8443/org/app:1.0", ImageReference("org/app", "1.0")),
        ("org/team/my_app-x__y:v1", ImageReference("org/team/my_app-x__y", "v1")),
    ],
)
def test_the_usual_forms(text, image):
    assert parse_image(text, "dtr.example.com:8443") == image
    assert image.version == (image.digest or image.tag)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "app",
        "Org/app",
        "org/app:",
        "org/app:a b",
        "org/app@sha256:1",
        f"org/app@{DIGEST.upper()}",
        "other.com/org/app",
        "org//app",
        "/org/app",
        "org/app/",
        "../../v2/x",
        "org/" + "a" * 300,
        "localhost/org/app",
        "dtr.example.com/org/app",
    ],
)
def test_anything_else_is_refused_with_what_is_wanted(text):
    with pytest.raises(WrongOption, match=r"wanted: org/name:tag"):
        parse_image(text, "dtr.example.com:8443")


def test_a_platform_takes_any_variant_unless_it_names_one():
    entry = {"os": "linux", "architecture": "arm", "variant": "v7"}
    assert parse_platform("linux/arm").fits(entry)
    assert parse_platform("linux/arm/v7").fits(entry)
    assert not parse_platform("linux/arm/v6").fits(entry)
    assert not Platform("linux", "amd64").fits(None)
    for text in ("linux", "linux/", "a/b/c/d", "Linux/AMD64"):
        with pytest.raises(WrongOption, match="os/architecture"):
            parse_platform(text)
