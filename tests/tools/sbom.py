"""The bill of materials of a folder of Python packages, as CycloneDX JSON: sbom.py FOLDER LOCK-FILE… >sbom.cdx.json

What lies in FOLDER is listed, not what should: each distribution by its own metadata, the hashes by which it was
locked, and who needs whom. The same folder gives the same bytes: no time, and a serial number made of the content. A
distribution without a locked hash that is not our own is an error, for nobody checked it.
"""

from __future__ import annotations

import json
import re
import sys
import uuid
from email.message import Message
from email.parser import HeaderParser
from pathlib import Path
from typing import Any

OWN = ("dtr-content-cache", "dtr-simulator")  # what an image is for, and may only be one of


def normal(name: str) -> str:
    """A distribution's name as PyPA's name normalisation writes it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def locked_hashes(lock: str) -> dict[str, list[str]]:
    """The SHA-256 digests by name==version, out of a requirements file with hashes."""
    found: dict[str, list[str]] = {}
    current: list[str] = []
    for line in lock.splitlines():
        if match := re.match(r"([A-Za-z0-9._-]+)==([^\s;\\]+)", line):
            current = found.setdefault(f"{normal(match[1])}=={match[2]}", [])
        current += re.findall(r"--hash=sha256:([0-9a-f]{64})", line)
    return found


def component(metadata: Message, hashes: dict[str, list[str]]) -> dict[str, Any]:
    """Of one distribution. Raise ValueError where nobody locked it."""
    name, version = normal(metadata["Name"]), metadata["Version"]
    locked = sorted(hashes.get(f"{name}=={version}", []))
    if not locked and name not in OWN:
        raise ValueError(f"{name} {version}: found no locked hash, wanted one in the requirements")
    purl = f"pkg:pypi/{name}@{version}"
    licence = metadata["License-Expression"] or (metadata["License"] or "").splitlines()[0:1]
    found: dict[str, Any] = {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}
    if licence:
        text = licence if isinstance(licence, str) else licence[0]
        found["licenses"] = [{"expression": text}] if metadata["License-Expression"] else [{"license": {"name": text}}]
    if locked:
        # One for each wheel of that version; which of them was taken depends on the machine that the folder is for.
        found["properties"] = [{"name": "locked:sha256", "value": digest} for digest in locked]
    return found


def needs(metadata: Message, present: set[str]) -> list[str]:
    """The names among `present` that the distribution requires."""
    wanted = metadata.get_all("Requires-Dist") or []
    names = {normal(re.match(r"[A-Za-z0-9._-]+", text)[0]) for text in wanted}  # type: ignore[index]
    return sorted(names & present)


def bill(folder: Path, hashes: dict[str, list[str]]) -> dict[str, Any]:
    """The whole document."""
    parse = HeaderParser().parsestr
    found = [parse(path.read_text(encoding="utf-8")) for path in folder.glob("*.dist-info/METADATA")]
    metadata = {normal(one["Name"]): one for one in found}
    components = {name: component(one, hashes) for name, one in sorted(metadata.items())}
    ours = [name for name in OWN if name in components]
    if len(ours) != 1:
        raise ValueError(f"{folder}: found {len(ours)} of our own packages, wanted one of {', '.join(OWN)}")
    refs = {name: one["bom-ref"] for name, one in components.items()}
    own = components.pop(ours[0])
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": own | {"type": "application"}},
        "components": list(components.values()),
        "dependencies": [
            {"ref": refs[name], "dependsOn": [refs[needed] for needed in needs(one, set(refs))]}
            for name, one in sorted(metadata.items())
        ],
    }
    serial = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(document, sort_keys=True))
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json",
        "serialNumber": f"urn:uuid:{serial}",
        **document,
    }


def main(argv: list[str]) -> int:
    if len(argv) < 2:
        print("usage: sbom.py FOLDER LOCK-FILE…", file=sys.stderr)
        return 2
    hashes: dict[str, list[str]] = {}
    for path in argv[1:]:
        hashes |= locked_hashes(Path(path).read_text(encoding="utf-8"))
    try:
        print(json.dumps(bill(Path(argv[0]), hashes), indent=1))
    except ValueError as error:
        print(f"sbom: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
