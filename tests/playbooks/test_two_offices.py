"""Two offices, China behind Asia: every day of an operator after the first.

The tests are the days of one operator and run in this order."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable

import pytest
from certificates_made import Made
from offices import PASSWORDS
from offices_world import APP, World

pytestmark = pytest.mark.timeout(1500)


@pytest.fixture(scope="module")
def world(world_of: Callable[..., World]) -> World:
    world = world_of("asia", "china")
    for region, account in (("asia", "alice"), ("china", "chen")):
        verify_as(world, region, account)
        world.set(region, content_cache_warm_username=account, content_cache_warm_password=PASSWORDS[account])
    # The offices' certificates are a day's.
    world.set("content_caches", content_cache_verify_image=f"{APP}:1.0", content_cache_verify_days=0)
    return world


def verify_as(world: World, region: str, account: str) -> None:
    """In the inventory, for a password on the command line is a password that Ansible shows."""
    world.set(region, content_cache_verify_username=account, content_cache_verify_password=PASSWORDS[account])


def test_the_parent_is_registered_before_its_child_is_touched(world: World) -> None:
    done = world.play("deploy-caches.yml").succeeded()
    last_of_asia = done.first("cache-asia", "Point the accounts at the cache")
    assert last_of_asia < done.first("cache-china", "Name the wanted release")
    assert done.said("Say what stands now")[1:] == [
        f"asia    {world.regions['asia'].url}  DTR         yes     1 of 1",
        f"china   {world.regions['china'].url}  asia        yes     2 of 2"]
    assert world.uses() == {"alice": "asia", "chen": "china", "mallory": "china"}


def test_a_file_that_holds_no_certificate_is_said_before_any_office_changes(world: World) -> None:
    """It is the parent's variable, and only its child uses the file."""
    garbage = world.home / "garbage.pem"
    garbage.write_text("no certificate\n", encoding="utf-8")
    world.set("asia", content_cache_ca=str(garbage), cache_host_blob_ttl="96h")
    world.writes()
    failed = world.play("deploy-caches.yml")
    world.set("asia", content_cache_ca=None, cache_host_blob_ttl=None)
    assert failed.code != 0
    told = " ".join(failed.sentence.split())
    assert f"cache-china: CA number 1 of cache_host_cas and cache_host_registries, {garbage}: wanted only" in told
    assert (failed.changed, world.writes()) == (set(), [])


def test_a_copied_certificate_of_another_office_is_said_before_any_office_changes(world: World) -> None:
    """No client would take it from the cache, which itself is well, whatever name its certificate has."""
    elsewhere = Made("other", names=["other.example.net"]).files(world.home)
    world.set("china", cache_host_tls_certificate=elsewhere[0], cache_host_tls_key=elsewhere[1],
              cache_host_probe_from_controller=False)
    world.writes()
    failed = world.play("deploy-caches.yml")
    world.set("china", cache_host_tls_certificate=None, cache_host_tls_key=None, cache_host_probe_from_controller=None)
    assert failed.code != 0
    told = " ".join(failed.sentence.split())
    assert f"cache-china: cache_host_tls_certificate ({elsewhere[0]}): the certificate is for other.example.net" in told
    assert "but clients are sent to 127.0.0.1 (cache_host_public_url, https://127.0.0.1:" in told
    assert (failed.changed, world.writes()) == (set(), [])


def test_an_office_that_cannot_be_reached_ends_the_run_with_the_way_to_deploy_the_others(world: World) -> None:
    no_way = world.home / "no-way"
    no_way.write_text("#!/bin/sh\nexit 255\n", encoding="utf-8")
    no_way.chmod(0o755)
    world.set("china", ansible_connection="ssh", ansible_ssh_executable=str(no_way))
    world.writes()
    failed = world.play("deploy-caches.yml")
    world.set("china", ansible_connection=None, ansible_ssh_executable=None)
    assert failed.code != 0
    assert "cache-china: cannot be reached, and nothing was changed anywhere" in failed.sentence
    assert "--limit 'all:!cache-china'" in failed.sentence
    assert "Could not match supplied host pattern" not in failed.output
    assert (failed.changed, world.writes()) == (set(), [])


def test_one_region_is_deployed_alone(world: World) -> None:
    world.set("asia", cache_host_blob_ttl="48h")
    world.set("china", cache_host_blob_ttl="48h")
    asia = world.pid("asia")
    done = world.play("deploy-caches.yml", "--limit", "china").succeeded()
    assert done.hosts == {"cache-china"}
    assert ("cache-china", "Start the process") in done.changed
    assert world.pid("asia") == asia
    world.set("asia", cache_host_blob_ttl=None)


def test_who_has_left_another_region_is_nothing_to_a_deployment_of_this_one(world: World) -> None:
    world.set("china", content_cache_accounts=["chen", "mallory", "leaver"])
    done = world.play("deploy-caches.yml", "--limit", "asia")
    own = world.play("deploy-caches.yml", "--limit", "china")
    world.set("china", content_cache_accounts=["chen", "mallory"])
    (line,) = done.succeeded().said("Say what stands now")[1:]
    assert line.split() == ["asia", world.regions["asia"].url, "DTR", "yes", "1", "of", "1"]
    assert "DTR has no account named leaver" in own.sentence
    assert own.changed == set()


def test_every_region_is_verified_by_a_real_pull(world: World) -> None:
    told = world.play("verify-caches.yml").succeeded()
    assert told.changed == set()
    lines = {one["host"]: str(one["msg"]) for one in told.events if one["task"] == "Say what was found"}
    for region, account in (("asia", "alice"), ("china", "chen")):
        line = lines[f"cache-{region}"]
        assert line.startswith(f"{region} (cache-{region}): version ")
        assert f"{account} got {APP}:1.0 from {world.regions[region].url}: 4 blobs, " in line
        assert " free, certificate until 20" in line
        assert "unknown" not in line


def test_an_account_of_a_region_is_verified_and_warmed_by_its_token_whatever_the_environment_has(world: World) -> None:
    """The example's inventory takes the administrator's password from the environment."""
    for purpose in ("verify", "warm"):
        world.set("asia", **{f"content_cache_{purpose}_token": PASSWORDS["alice"],
                             f"content_cache_{purpose}_password": ""})
    with world.exported(DTR_PASSWORD="canary-of-the-environment"):
        verified = world.play("verify-caches.yml", "--limit", "asia")
        warmed = world.play("warm-caches.yml", "--limit", "asia", content_cache_warm_images=[f"{APP}:1.0"])
    for purpose in ("verify", "warm"):
        world.set("asia", **{f"content_cache_{purpose}_token": None,
                             f"content_cache_{purpose}_password": PASSWORDS["alice"]})
    for run in (verified, warmed):
        run.succeeded()
        assert "canary-of-the-environment" not in run.output


def test_a_certificate_that_ends_too_soon_is_a_failure_with_its_day(world: World) -> None:
    failed = world.play("verify-caches.yml", "--limit", "china", content_cache_verify_days=1000)
    assert failed.code != 0
    assert "cache-china: the certificate of the cache ends on 20" in failed.sentence
    assert "4 hits" in failed.said("Say what was found")


def test_a_pull_that_another_cache_answers_is_found(world: World) -> None:
    """Alice's account uses the cache in Asia, so she cannot speak for China."""
    verify_as(world, "china", "alice")
    failed = world.play("verify-caches.yml", "--limit", "china")
    verify_as(world, "china", "chen")
    assert failed.code != 0
    assert world.regions["asia"].url in failed.sentence
    assert world.regions["china"].url in failed.sentence


def test_images_are_there_before_people_come_within_what_the_line_can_spare(world: World) -> None:
    images = {"content_cache_warm_images": [f"{APP}:2.0"]}
    cold = world.play("warm-caches.yml", "--limit", "china", content_cache_warm_bandwidth="300KB", **images).succeeded()
    (pulled,) = [one["results"] for one in cold.events if one["task"] == "Pull the images"]
    totals = pulled[0]["totals"]
    assert cold.said("Say what was missing")
    assert f"(item={APP}:2.0, 1 of 1 image, " in cold.output
    assert totals["hits"] == 0
    assert totals["seconds"] > totals["bytes"] / (300 * 1024) - 1.5  # what may go at once, before the limit is felt
    warm = world.play("warm-caches.yml", "--limit", "china", **images).succeeded()
    (pulled,) = [one["results"] for one in warm.events if one["task"] == "Pull the images"]
    assert pulled[0]["totals"]["hits"] == pulled[0]["totals"]["blobs"]
    assert cold.changed == warm.changed == set()


def test_a_cache_that_is_down_is_led_around_and_back(world: World) -> None:
    subprocess.run([str(world.home / "china/current/service"), "stop"], check=True, timeout=60)
    world.writes()
    foretold = world.play("failover.yml", "--check", content_cache_down="china").succeeded()
    assert world.writes() == []
    away = world.play("failover.yml", content_cache_down="china").succeeded()
    assert foretold.changed == away.changed
    assert world.uses() == {"alice": "asia", "chen": "asia", "mallory": "asia"}
    record = json.loads((world.inventory / ".failover" / "china.json").read_text(encoding="utf-8"))
    assert record.pop("since").endswith(" UTC")
    assert record == {"accounts": ["chen", "mallory"], "from": "china", "to": "asia"}

    early = world.play("failover.yml", content_cache_down="china", content_cache_failover="back")
    assert "does not answer yet" in early.sentence
    subprocess.run([str(world.home / "china/current/service"), "start"], check=True, timeout=60)
    world.play("deploy-caches.yml", "--limit", "china", "--tags", "cache_host").succeeded()
    back = world.play("failover.yml", content_cache_down="china", content_cache_failover="back").succeeded()
    assert "chen, mallory" in back.said("Say who is back")
    assert world.uses() == {"alice": "asia", "chen": "china", "mallory": "china"}
    assert not (world.inventory / ".failover").exists()


def test_accounts_move_and_the_inventory_that_still_lists_them_is_named(world: World) -> None:
    some = {"content_cache_from": "china", "content_cache_to": "DTR", "content_cache_move_prefix": "mal"}
    foretold = world.play("move-accounts.yml", "--check", **some).succeeded()
    assert "mallory" in foretold.said("Say who moved")
    assert world.uses()["mallory"] == "china"
    moved = world.play("move-accounts.yml", **some).succeeded()
    assert moved.changed == foretold.changed
    assert world.uses() == {"alice": "asia", "chen": "china"}
    assert "still lists mallory" in moved.said("Say what the inventory still wants")


def test_a_password_that_dtr_refuses_is_told_of_and_not_told(world: World) -> None:
    world.set("content_caches", dtr_password="canary-of-a-wrong-password")
    refused = world.play("report.yml", "--diff")
    assert "does not accept the credentials of account admin" in refused.sentence
    assert "canary-of-a-wrong-password" not in refused.output
    world.set("content_caches", dtr_password=PASSWORDS["admin"])


@pytest.mark.parametrize(
    ("playbook", "options", "variables"),
    [
        ("report.yml", [], {}),
        ("verify-caches.yml", ["--tags", "report"], {}),
        ("failover.yml", ["--check"], {"content_cache_down": "china"}),
        ("move-accounts.yml", ["--check"],
         {"content_cache_from": "china", "content_cache_to": "asia", "content_cache_move_accounts": ["chen"]}),
    ],
)
def test_a_token_is_enough_where_the_examples_password_stays_and_is_empty(
    world: World, playbook: str, options: list[str], variables: dict[str, object]
) -> None:
    world.set("content_caches", dtr_token=PASSWORDS["admin"], dtr_password="")
    page = world.home / "caches.html"
    done = world.play(playbook, *options, **variables, content_cache_report_file=str(page))
    world.set("content_caches", dtr_token=None, dtr_password=PASSWORDS["admin"])
    done.succeeded()
    assert "DTR did not say" not in page.read_text(encoding="utf-8")


def test_the_report_tells_who_uses_what(world: World) -> None:
    told = world.play("report.yml").succeeded()
    assert told.changed == set()
    assert [" ".join(line.split()) for line in told.said("Say who uses what")[1:]] == [
        f"asia {world.regions['asia'].url} asia 1 alice",
        f"china {world.regions['china'].url} china 1 chen",
        "(none) DTR itself 2 admin, mallory"]


@pytest.mark.parametrize(("playbook", "variables", "words"), [
    ("failover.yml", {"content_cache_down": "mars"}, "wanted content_cache_down, one of asia, china"),
    ("move-accounts.yml", {"content_cache_from": "asia", "content_cache_to": "asia"}, "two different regions"),
    ("warm-caches.yml", {"content_cache_warm_images": f"{APP}:2.0"}, "content_cache_warm_images (a list of"),
])
def test_a_wrong_word_of_the_operator_is_answered_with_what_is_wanted(
    world: World, playbook: str, variables: dict, words: str
) -> None:
    world.writes()
    refused = world.play(playbook, **variables)
    assert refused.code != 0
    assert words in " ".join(refused.sentence.split())
    assert (refused.changed, world.writes()) == (set(), [])


def test_a_region_that_another_one_pulls_from_is_not_retired(world: World) -> None:
    world.writes()
    refused = world.play("retire-caches.yml", "--limit", "asia")
    assert "region asia cannot be retired while china pulls from it" in refused.sentence
    assert (world.writes(), world.pid("asia") is None) == ([], False)


def test_a_retired_region_hands_its_accounts_to_its_successor(world: World) -> None:
    words = ("retire-caches.yml", "--limit", "china")
    foretold = world.play(*words, "--check", content_cache_successor="asia").succeeded()
    done = world.play(*words, content_cache_successor="asia").succeeded()
    assert foretold.changed == done.changed
    assert world.uses() == {"alice": "asia", "chen": "asia"}
    assert world.registered() == {"asia": world.regions["asia"].url}
    assert not (world.home / "china").exists()
    assert world.pid("asia")
