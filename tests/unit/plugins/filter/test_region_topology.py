# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)
"""Regions of an inventory: their order and upstreams, and every mistake in one sentence."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.dtr.caches.plugins.filter.region_topology import region_topology

DTR = "https://dtr.example.com"


def host(name, region="", **more):
    """A host of a region whose cache has the region's name."""
    region = region or name.rstrip("-0123456789")
    return {"host": name, "content_cache_name": region, "content_cache_host": f"https://{region}.example.com", **more}


def topology(hosts, groups=None, dtr_url=DTR, dtr_ca="dtr-ca.pem"):
    """The filter's answer; groups as an inventory with a group for each region has them."""
    if groups is None:
        groups = {"all": [one["host"] for one in hosts], "content_caches": [one["host"] for one in hosts]}
        for one in hosts:
            groups.setdefault(one["content_cache_name"], []).append(one["host"])
    return region_topology(hosts, groups, dtr_url, dtr_ca)


def mistakes(hosts, **options):
    """The sentences that the filter refuses with, without its headline."""
    with pytest.raises(AnsibleFilterError) as refused:
        topology(hosts, **options)
    return str(refused.value).splitlines()[1:]


def test_a_region_without_parent_pulls_from_dtr_and_trusts_its_ca():
    (asia,) = topology([host("asia")], dtr_url=DTR + "/")
    assert (asia["level"], asia["upstreams"], asia["cas"], asia["parent"]) == (1, [DTR], ["dtr-ca.pem"], "")


def test_a_child_pulls_from_its_parent_and_trusts_only_the_parents_ca():
    china, asia = host("china", content_cache_parent="asia"), host("asia", content_cache_ca="office-ca.pem")
    first, second = topology([china, asia])
    assert (first["region"], second["region"]) == ("asia", "china")
    assert (second["level"], second["upstreams"], second["cas"]) == (2, ["https://asia.example.com"], ["office-ca.pem"])


def test_a_child_uses_every_machine_of_its_parent_that_has_an_address_of_its_own():
    asia = [host(f"asia-{n}", content_cache_node_url=f"https://asia-{n}.example.com:5000") for n in (1, 2)]
    regions = topology([*asia, host("china", content_cache_parent="asia")])
    assert regions[0]["hosts"] == ["asia-1", "asia-2"]
    assert regions[1]["upstreams"] == ["https://asia-1.example.com:5000", "https://asia-2.example.com:5000"]


def test_machines_behind_one_address_are_one_upstream():
    regions = topology([host("asia-1"), host("asia-2"), host("china", content_cache_parent="asia")])
    assert regions[1]["upstreams"] == ["https://asia.example.com"]


def test_without_a_ca_the_system_decides():
    assert topology([host("asia")], dtr_ca="")[0]["cas"] == []


def test_a_region_is_called_by_its_group_not_by_its_cache():
    groups = {"all": ["h"], "content_caches": ["h"], "singapore": ["h"]}
    (region,) = topology([host("h", "region-asia")], groups=groups)
    assert (region["region"], region["name"]) == ("singapore", "region-asia")


def test_a_parent_may_be_named_by_a_group_of_the_same_hosts():
    hosts = [host("a", "asia"), host("c", "china", content_cache_parent="singapore")]
    regions = topology(hosts, groups={"all": ["a", "c"], "singapore": ["a"], "shanghai": ["c"]})
    assert [region["region"] for region in regions] == ["singapore", "shanghai"]


@pytest.mark.parametrize(
    ("hosts", "sentence"),
    [
        ([{"host": "a"}],
         "host a: found no content_cache_name, wanted it in its region's variables, such as region-asia."),
        (
            [host("asia", content_cache_host="asia.example.com:5000")],
            "host asia: content_cache_host: found 'asia.example.com:5000', wanted http(s)://host[:port] without a "
            "path.",
        ),
        (
            [host("china", content_cache_parent="moon"), host("asia")],
            "region china: content_cache_parent: found 'moon', which is no group of this inventory; wanted another "
            "region (asia), or no parent to pull from DTR.",
        ),
        (
            [host("china", content_cache_parent="all"), host("asia")],
            "region china: content_cache_parent: found 'all', which is not the group of one region; wanted another "
            "region (asia), or no parent to pull from DTR.",
        ),
        (
            [host("asia", content_cache_parent="asia")],
            "content_cache_parent: found the loop asia → asia, wanted a way that ends at DTR.",
        ),
        (
            [host("asia", content_cache_parent="china"), host("china", content_cache_parent="asia")],
            "content_cache_parent: found the loop asia → china → asia, wanted a way that ends at DTR.",
        ),
        (
            [host("a"), host("b", content_cache_parent="a"), host("c", content_cache_parent="b")],
            "region c: content_cache_parent: found the chain c → b → a → DTR, wanted at most 2 caches between a "
            "client and "
            "DTR; more make pulls slower.",
        ),
        (
            [host("asia"), host("china", content_cache_host="https://asia.example.com/".rstrip("/"))],
            "content_cache_host: found https://asia.example.com for the regions asia and china, wanted an address "
            "for each "
            "region.",
        ),
        (
            [host("asia", content_cache_accounts=["alice"]), host("china", content_cache_accounts=["alice"])],
            "content_cache_accounts: found alice in the regions asia and china, wanted it in one; an account uses "
            "one cache.",
        ),
        (
            [host("asia", content_cache_accounts="alice")],
            "host asia: content_cache_accounts: found 'alice', wanted a list of account names.",
        ),
        (
            [host("a1", "asia"), host("j1", "asia", content_cache_host="https://japan.example.com")],
            "content_cache_host: found 'https://asia.example.com' for host a1 and 'https://japan.example.com' for "
            "host j1, "
            "which both have content_cache_name asia; wanted one value for a region, and another name for another "
            "region.",
        ),
    ],
)
def test_a_mistake_is_one_sentence(hosts, sentence):
    groups = {"all": [one["host"] for one in hosts]}
    for one in hosts:
        groups.setdefault(one.get("content_cache_name", "nameless"), []).append(one["host"])
    assert sentence in mistakes(hosts, groups=groups)


@pytest.mark.parametrize(("name", "value", "wanted"), [
    ("content_cache_accounts", 5, "a list of account names"),
    ("content_cache_accounts", True, "a list of account names"),
    ("content_cache_accounts", [["chen"]], "a list of account names"),
    ("content_cache_accounts", {"chen": True}, "a list of account names"),
    ("content_cache_name", ["china"], "text"),
    ("content_cache_name", 7, "text"),
    ("content_cache_host", ["https://china.example.com"], "text"),
    ("content_cache_parent", ["asia"], "text"),
    ("content_cache_node_url", {"a": "b"}, "text"),
    ("content_cache_ca", ["office-ca.pem"], "text"),
])
def test_a_value_of_another_shape_is_one_sentence_that_names_its_host(name, value, wanted):
    hosts = [host("asia"), host("china", content_cache_parent="asia") | {name: value}]
    groups = {"all": ["asia", "china"], "asia": ["asia"], "china": ["china"]}
    assert mistakes(hosts, groups=groups) == [f"host china: {name}: found '{value}', wanted {wanted}."]


def test_a_parent_with_a_mistake_of_its_own_is_no_mistake_of_its_child():
    hosts = [host("asia", content_cache_accounts=5), host("china", content_cache_parent="asia")]
    assert mistakes(hosts) == ["host asia: content_cache_accounts: found '5', wanted a list of account names."]


def test_a_host_in_the_groups_of_a_region_and_of_its_parent_is_named():
    hosts = [host("a1", "region-asia"), host("c1", "region-china", content_cache_parent="asia")]
    assert mistakes(hosts, groups={"all": ["a1", "c1"], "asia": ["a1", "c1"], "china": ["c1"]}) == [
        "region china: content_cache_parent: found 'asia', and in that group host c1 of china as well; wanted each "
        "host in the group of one region."]


def test_a_parents_only_host_in_the_childs_group_is_no_loop():
    china = {"content_cache_parent": "asia"}
    hosts = [host("d1", "region-china", **china), host("b1", "region-china", **china)]
    assert mistakes(hosts, groups={"all": ["d1", "b1"], "asia": ["b1"], "china": ["d1", "b1"]}) == [
        "region china: content_cache_parent: found 'asia', and in that group host b1 of china as well; wanted each "
        "host in the group of one region."]


def test_a_parent_of_several_regions_names_them_and_only_groups_are_proposed():
    hosts = [host("a1", "region-asia"), host("j1", "japan"), host("c1", "china", content_cache_parent="east")]
    assert mistakes(hosts, groups={"east": ["a1", "j1"], "japan": ["j1"], "china": ["c1"]}) == [
        "region china: content_cache_parent: found 'east', which is not the group of one region: a1 is of region-asia, "
        "j1 is of japan; wanted another region (japan), or no parent to pull from DTR."]


def test_a_missing_dtr_and_an_empty_inventory_are_said():
    assert mistakes([], groups={"all": []}, dtr_url="") == [
        "dtr_url: found '', wanted the address of DTR, for example https://dtr.example.com.",
        "content_caches: found no hosts in this inventory group, wanted a child group for each region.",
    ]


@pytest.mark.parametrize(("account", "told"), [
    ({"username": "", "secret": True},
     ["dtr_username: found nothing, wanted the name of a system administrator of DTR, beside dtr_url."]),
    ({"username": "admin", "secret": False},
     ["dtr_token and dtr_password: found neither, or empty ones, wanted an access token or the password of "
      "dtr_username."]),
])
def test_who_asks_dtr_is_known_before_anything_is_asked(account, told):
    groups = {"content_caches": ["asia"]}
    with pytest.raises(AnsibleFilterError) as refused:
        region_topology([host("asia")], groups, DTR, "", account)
    assert str(refused.value).splitlines()[1:] == told
    assert region_topology([host("asia")], groups, DTR, "", {"username": "admin", "secret": True})


def test_all_mistakes_are_said_at_once():
    hosts = [host("asia", content_cache_parent="asia"), host("china", content_cache_parent="moon")]
    assert len(mistakes(hosts, dtr_url="dtr")) == 3
