"""A Docker engine as far as the role asks it: containers, one swarm service, and who of them answers, as a JSON file.

Owns: the modules of community.docker and the command `docker` that the role calls, laid out in a folder (`lay_out`).
Rule: only what a task could see is modelled; what a test wants to know of the calls is written down in `told`."""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

MODULES = ("docker_host_info", "docker_image_info", "docker_image_pull", "docker_volume_info", "docker_container_info",
           "docker_container", "docker_container_exec", "docker_swarm_info", "docker_swarm_service_info",
           "docker_swarm_service", "docker_config", "docker_secret")
SCRIPT = """#!{python}
# WANT_JSON
import sys
sys.path.insert(0, {here!r})
import docker_double
docker_double.{entry}({name!r}, {state!r}, sys.argv[1:])
"""
NODE = {"ID": "n", "Description": {"Hostname": "here"}, "Spec": {"Availability": "active", "Labels": {}},
        "Status": {"State": "ready"}}


def lay_out(folder: Path, **state: Any) -> dict[str, str]:
    """The double in this folder, with what is there at the start; the environment in which Ansible meets it."""
    tools, modules = folder / "tools", folder / "collections/ansible_collections/community/docker/plugins/modules"
    for path in (tools, modules):
        path.mkdir(parents=True)
    _write(folder, tools / "docker", "command", "docker")
    for name in MODULES:
        _write(folder, modules / f"{name}.py", "module", name)
    begin = {"containers": {}, "refuses": False, "service": None, "tasks": [], "told": []}
    (folder / "state.json").write_text(json.dumps(begin | state), encoding="utf-8")
    collections = os.pathsep.join([str(folder / "collections"), os.environ["ANSIBLE_COLLECTIONS_PATH"]])
    return {"PATH": f"{tools}{os.pathsep}{os.environ['PATH']}", "ANSIBLE_COLLECTIONS_PATH": collections}


def _write(folder: Path, path: Path, entry: str, name: str) -> None:
    told = {"python": sys.executable, "here": str(Path(__file__).parent), "entry": entry, "name": name}
    path.write_text(SCRIPT.format(state=str(folder / "state.json"), **told), encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def container(release: str | None, *, vendors: bool = False, stays: bool = True) -> dict[str, Any]:
    """One that runs, with the role's label if there is one. `vendors` is of an image without our program; one that does
    not stay ends whenever it is started."""
    labels = {"dtr.caches.release": release} if release else None
    return {"Config": {"Labels": labels, "User": ""}, "HostConfig": {"Binds": None}, "RestartCount": 0,
            "State": {"Running": True}, "vendors": vendors, "stays": stays, "well": True}


def module(name: str, state: str, arguments: list[str]) -> None:
    """A module of community.docker, called with the file of its options."""
    options = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
    world = json.loads(Path(state).read_text(encoding="utf-8"))
    answer: Callable[[dict[str, Any], dict[str, Any]], dict[str, Any]] = globals()[f"_{name}"]
    result = answer(world, options)
    Path(state).write_text(json.dumps(world), encoding="utf-8")
    print(json.dumps({"changed": False} | result))


def command(_name: str, state: str, words: list[str]) -> None:
    """The command `docker`."""
    world = json.loads(Path(state).read_text(encoding="utf-8"))
    world["told"].append(["docker", *words])
    match words:
        case ["rename", old, new]:
            world["containers"][new] = world["containers"].pop(old)
        case ["service", "inspect", "--format", *_]:
            print(world["service"]["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"])
        case ["service", "inspect", _]:
            print(json.dumps([world["service"]]))
        case ["service", "ps", *_]:
            print("\n".join(str(at) for at, _ in enumerate(world["tasks"])))
        case ["inspect", "--type", "task", *_]:
            print(json.dumps(world["tasks"]))
        case ["node", "inspect", *_]:
            print("127.0.0.1")
    Path(state).write_text(json.dumps(world), encoding="utf-8")


def _docker_host_info(_world: dict[str, Any], _options: dict[str, Any]) -> dict[str, Any]:
    return {"can_talk_to_docker": True, "host_info": {"Name": "here"}}


def _docker_image_info(_world: dict[str, Any], _options: dict[str, Any]) -> dict[str, Any]:
    return {"images": [{}]}


def _docker_image_pull(_world: dict[str, Any], _options: dict[str, Any]) -> dict[str, Any]:
    return {}


def _docker_volume_info(_world: dict[str, Any], _options: dict[str, Any]) -> dict[str, Any]:
    return {"exists": False}


def _docker_container_info(world: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    found = world["containers"].get(options["name"])
    return {"exists": found is not None, "container": found}


def _docker_container(world: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    name, wanted = options["name"], options.get("state", "started")
    there = world["containers"].get(name)
    if name.endswith("-check"):
        return {"failed": True, "msg": "log.level: found 'loud'"} if world["refuses"] else {}
    if wanted == "absent":
        return {"changed": world["containers"].pop(name, None) is not None}
    if "image" in options:  # what is wanted here is never what is there
        if not options.get("_ansible_check_mode"):
            world["containers"][name] = container(options["labels"]["dtr.caches.release"]) | {"well": False}
        return {"changed": True}
    there["State"]["Running"] = wanted == "started" and there["stays"]
    return {"changed": True}


def _docker_container_exec(world: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    there = world["containers"][options["container"]]
    world["told"].append([options["container"], *options["argv"]])
    if options["argv"][-1] == "kill -HUP 1":
        there["State"]["Running"] = there["State"]["Running"] and not there["vendors"]
        return {"rc": 0}
    if there["vendors"]:
        return {"failed": True, "msg": "exec: dtr-content-cache: executable file not found in $PATH"}
    return {"rc": 0 if there["well"] else 1, "stderr": "" if there["well"] else "this cache is sick"}


def _docker_swarm_info(_world: dict[str, Any], _options: dict[str, Any]) -> dict[str, Any]:
    return {"docker_swarm_manager": True, "nodes": [NODE]}


def _docker_swarm_service_info(world: dict[str, Any], _options: dict[str, Any]) -> dict[str, Any]:
    return {"exists": world["service"] is not None, "service": world["service"]}


def _docker_config(_world: dict[str, Any], _options: dict[str, Any]) -> dict[str, Any]:
    return {}


_docker_secret = _docker_config


def _docker_swarm_service(world: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    world["told"].append(["docker_swarm_service", options.get("state", "present")])
    return {"changed": True, "changes": []}
