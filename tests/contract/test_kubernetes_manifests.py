"""What the role gives to a cluster is accepted by Kubernetes' published schemas, hardened, and what the options say."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import kubernetes_validate
import pytest
import yaml

# The oldest and the newest version whose schemas are at hand.
pytestmark = pytest.mark.timeout(300)  # two runs of Ansible before the first test
VERSIONS = ("1.25.0", "1.37.0")
_PEM = "-----BEGIN {0}-----\nAAAA\n-----END {0}-----\n"
BASE = {
    "cache_host_engine": "kubernetes",
    "cache_host_upstreams": ["https://dtr.example.com"],
    "cache_host_cas": [_PEM.format("CERTIFICATE")],
    "cache_host_public_url": "https://cache.example.com",
    "cache_host_tls_certificate": _PEM.format("CERTIFICATE"),
    "cache_host_tls_key": _PEM.format("PRIVATE KEY"),
}
CASES: dict[str, dict[str, Any]] = {
    "usual": {},
    "shared": {"kubernetes_replicas": 3, "kubernetes_shared_storage": "true", "kubernetes_storage_class": "nfs"},
    "ingress": {"kubernetes_ingress_class": "nginx", "kubernetes_service_type": "ClusterIP"},
    "node port": {"kubernetes_service_type": "NodePort", "port": "30500"},
    "everything": {
        "kubernetes_namespace": "registry", "name": "office", "storage": "office-blobs",
        "kubernetes_storage_size": "1Ti", "image_source": "present",
        "kubernetes_service_annotations": {"lb.example.com/internal": "true"}, "kubernetes_pull_secrets": ["pull"],
        "kubernetes_node_selector": {"disk": "big"}, "container_cpus": 2, "container_memory": "512m",
        "container_dns": ["10.0.0.2"], "container_etc_hosts": {"dtr.example.com": "10.0.0.3"},
        "environment": {"HTTPS_PROXY": "http://proxy.example.com:3128", "REGISTRY_LOG_LEVEL": "debug"},
    },
    "secret in the configuration": {"http_secret": "canary-of-http"},
    "no limits, no TLS": {
        "container_memory": "0", "public_url": "http://cache.example.com", "cas": [],
        "tls_certificate": "", "tls_key": "",
    },
    "vendor": {"vendor_image": True},
    "another image": {"image": "registry.example.com/dtr-content-cache:2"},
}
_EXPRESSION = """{{ cache_host__kubernetes_texts | combine({
    'config': lookup('ansible.builtin.template', 'kubernetes/config.yml.j2'),
    'certs': lookup('ansible.builtin.template', 'kubernetes/certs.yml.j2')}) | to_json }}"""


@pytest.fixture(scope="module")
def clusters(render: Callable) -> dict[str, dict[str, dict]]:
    """The objects of each case, by the name of their template."""
    cases = {name: BASE | {f"cache_host_{key}": value for key, value in case.items()} for name, case in CASES.items()}
    # Rendered once and handed in: the objects mention them many times.
    names = ("cache_host__config", "cache_host__certs_id")
    wanted = ", ".join(f"'{name}': {name}" for name in names)
    once = render(cases, "{{ {" + wanted + "} | to_json }}")
    texts = render({name: case | json.loads(once[name]) for name, case in cases.items()}, _EXPRESSION)
    return {name: {kind: yaml.safe_load(one) for kind, one in json.loads(text).items()} for name, text in texts.items()}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", CASES)
def test_every_object_is_what_the_published_schemas_want(name: str, version: str, clusters: dict) -> None:
    for kind, manifest in clusters[name].items():
        try:
            kubernetes_validate.validate(manifest, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            pytest.fail(f"{kind}: {error.message}")


def _pod(cluster: dict) -> dict:
    return cluster["deployment"]["spec"]["template"]["spec"]


@pytest.mark.parametrize("name", CASES)
def test_a_pod_may_do_no_more_than_a_cache_needs(name: str, clusters: dict) -> None:
    pod = _pod(clusters[name])
    container = pod["containers"][0]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["securityContext"]["runAsNonRoot"] is (name != "vendor")
    assert pod["automountServiceAccountToken"] is False
    assert {"startupProbe", "livenessProbe", "readinessProbe", "resources"} <= set(container)


@pytest.mark.parametrize("name", CASES)
def test_the_objects_find_each_other(name: str, clusters: dict) -> None:
    cluster, pod = clusters[name], _pod(clusters[name])
    labels = cluster["deployment"]["spec"]["template"]["metadata"]["labels"]
    assert cluster["deployment"]["spec"]["selector"]["matchLabels"] == labels == cluster["service"]["spec"]["selector"]
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    config = volumes["config"].get("secret", {}).get("secretName") or volumes["config"]["configMap"]["name"]
    assert config == cluster["config"]["metadata"]["name"]
    assert volumes["certs"]["secret"]["secretName"] == cluster["certs"]["metadata"]["name"]
    assert volumes["blobs"]["persistentVolumeClaim"]["claimName"] == cluster["storage"]["metadata"]["name"]
    assert {mount["name"] for mount in pod["containers"][0]["volumeMounts"]} == set(volumes)
    namespaces = {one["metadata"].get("namespace", one["metadata"]["name"]) for one in cluster.values()}
    assert len(namespaces) == 1


def test_a_probe_asks_a_port_that_the_configuration_opens(clusters: dict) -> None:
    config = yaml.safe_load(clusters["usual"]["config"]["data"]["config.yml"])
    ports = {port["name"]: port["containerPort"] for port in _pod(clusters["usual"])["containers"][0]["ports"]}
    assert (config["http"]["addr"], config["http"]["debug"]["addr"]) == (f":{ports['cache']}", f":{ports['debug']}")


def test_a_key_and_a_configuration_with_a_secret_are_only_in_secrets(clusters: dict) -> None:
    cluster = clusters["secret in the configuration"]
    assert (cluster["config"]["kind"], cluster["certs"]["kind"]) == ("Secret", "Secret")
    others = {kind: manifest for kind, manifest in cluster.items() if manifest["kind"] != "Secret"}
    assert "canary-of-http" not in json.dumps(others)
    assert "PRIVATE KEY" not in json.dumps(others)
    assert clusters["usual"]["config"]["kind"] == "ConfigMap"


def test_what_changes_has_another_name_and_what_does_not_keeps_it(clusters: dict) -> None:
    name = {case: [one[kind]["metadata"]["name"] for kind in ("config", "certs")] for case, one in clusters.items()}
    assert name["another image"] == name["usual"]
    assert name["secret in the configuration"][0] != name["usual"][0]
    assert name["no limits, no TLS"][1] != name["usual"][1]


def test_the_options_reach_the_objects(clusters: dict) -> None:
    everything, shared = clusters["everything"], clusters["shared"]
    pod = _pod(everything)
    assert pod["containers"][0]["resources"]["limits"] == {"memory": "512Mi", "cpu": "2"}
    assert pod["hostAliases"] == [{"ip": "10.0.0.3", "hostnames": ["dtr.example.com"]}]
    assert pod["containers"][0]["env"] == [
        {"name": "HTTPS_PROXY", "value": "http://proxy.example.com:3128"},
        {"name": "REGISTRY_LOG_LEVEL", "value": "debug"},
    ]
    assert (pod["nodeSelector"], pod["imagePullSecrets"]) == ({"disk": "big"}, [{"name": "pull"}])
    assert everything["storage"]["spec"]["resources"]["requests"]["storage"] == "1Ti"
    assert shared["deployment"]["spec"]["replicas"] == 3
    assert shared["storage"]["spec"]["accessModes"] == ["ReadWriteMany"]
    assert shared["deployment"]["spec"]["strategy"]["type"] == "RollingUpdate"
    assert clusters["usual"]["deployment"]["spec"]["strategy"]["type"] == "Recreate"
    assert clusters["node port"]["service"]["spec"]["ports"][0]["nodePort"] == 30500
    assert _pod(clusters["another image"])["containers"][0]["image"].endswith(":2")
    assert _pod(clusters["no limits, no TLS"])["containers"][0]["resources"]["limits"] == {}


def test_an_ingress_passes_tls_through_to_the_cache_of_its_name(clusters: dict) -> None:
    ingress = clusters["ingress"]["ingress"]
    assert ingress["metadata"]["annotations"] == {"nginx.ingress.kubernetes.io/ssl-passthrough": "true"}
    assert ingress["spec"]["rules"][0]["host"] == "cache.example.com"
    assert "ingress" not in clusters["usual"]
