"""What failover.yml writes down, and who takes out of it those who have their place again.

The tests are the days of one office and run in this order; its people pull from DTR while its cache is down."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable

import pytest
from offices_world import World
from recorded_run import Run

pytestmark = pytest.mark.timeout(1500)


@pytest.fixture(scope="module")
def world(world_of: Callable[..., World]) -> World:
    world = world_of("asia")
    world.play("deploy-caches.yml").succeeded()
    return world


def lead(world: World, way: str) -> Run:
    return world.play("failover.yml", content_cache_down="asia", content_cache_failover=way).succeeded()


def test_a_deployment_that_points_accounts_back_leaves_no_record_of_them(world: World) -> None:
    lead(world, "away")
    record = world.inventory / ".failover/asia.json"
    assert (world.uses(), json.loads(record.read_text(encoding="utf-8"))["accounts"]) == ({}, ["alice"])
    done = world.play("deploy-caches.yml", "--tags", "cache_registration").succeeded()
    assert world.uses() == {"alice": "asia"}
    assert not record.parent.exists()
    assert "WARNING" not in done.output


def test_a_refuge_that_dtr_does_not_know_leaves_no_record_and_the_right_one_can_be_said_at_once(world: World) -> None:
    world.writes()
    refused = world.play("failover.yml", content_cache_down="asia", content_cache_refuge="asai")
    assert refused.code != 0
    assert "DTR has no content cache named asai" in refused.sentence
    assert (refused.changed, world.writes(), (world.inventory / ".failover").exists()) == (set(), [], False)
    world.play("failover.yml", content_cache_down="asia", content_cache_refuge="DTR").succeeded()
    assert world.uses() == {}
    lead(world, "back")


def test_a_record_of_a_refuge_that_is_gone_says_how_to_go_on(world: World) -> None:
    record = world.inventory / ".failover/asia.json"
    record.parent.mkdir()
    record.write_text(json.dumps({"accounts": ["alice"], "from": "asia", "to": "closed-office"}), encoding="utf-8")
    away, back = (world.play("failover.yml", content_cache_down="asia", content_cache_failover=way)
                  for way in ("away", "back"))
    for refused in (away, back):
        told = " ".join(refused.sentence.split())
        assert f"{record}: found that accounts of asia were led to closed-office" in told
        assert "write into its \"to\"" in told
        assert "remove the file" in told
    assert "DTR has no content cache of that name" in " ".join(back.sentence.split())
    assert world.uses() == {"alice": "asia"}
    shutil.rmtree(record.parent)


def test_who_has_left_dtr_since_keeps_nobody_else_from_being_led_away_or_back(world: World) -> None:
    lead(world, "away")
    record = world.inventory / ".failover/asia.json"
    noted = json.loads(record.read_text(encoding="utf-8")) | {"accounts": ["alice", "leaver"]}
    record.write_text(json.dumps(noted), encoding="utf-8")
    again = lead(world, "away")
    assert "DTR has no account named leaver any more" in again.said("Say who has left DTR since")
    back = lead(world, "back")
    assert "DTR has no account named leaver any more" in back.said("Say who has left DTR since")
    assert (back.said("Say who is back"), world.uses()) == ("alice: back at asia.", {"alice": "asia"})
    assert not record.parent.exists()


def test_who_is_moved_on_purpose_is_in_no_record_any_more(world: World) -> None:
    """Also in one that lies where earlier versions put it; who was not moved stays in it."""
    lead(world, "away")
    older = world.inventory / "failover/asia.json"
    older.parent.mkdir()
    record = {"accounts": ["alice", "mallory"], "from": "asia", "to": ""}
    older.write_text(json.dumps(record), encoding="utf-8")
    world.play("move-accounts.yml", content_cache_from="DTR", content_cache_to="asia",
               content_cache_move_accounts=["alice"]).succeeded()
    assert not (world.inventory / ".failover").exists()
    assert json.loads(older.read_text(encoding="utf-8")) == record | {"accounts": ["mallory"]}


def test_a_record_from_before_is_told_of_and_goes_with_the_way_back(world: World) -> None:
    away = lead(world, "away")
    assert "names mallory; this run adds to it" in " ".join(away.said("Say who was led away before").split())
    assert not (world.inventory / ".failover").exists()
    back = lead(world, "back")
    assert "alice, mallory" in back.said("Say who is back")
    assert not (world.inventory / "failover").exists()
