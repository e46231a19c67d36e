"""The bill of materials of an image, as CycloneDX JSON: sbom.py [--root ROOT] FOLDER LOCK-FILE… >sbom.cdx.json

What lies in FOLDER is listed, not what should: each distribution by its own metadata, the hashes by which it was
locked, and who needs whom. ROOT holds what dpkg noted in the image's base: its packages are listed, too. The same
content gives the same bytes: no time, and a serial number made of the content. A distribution without a locked hash
that is not our own is an error, for nobody checked it; so is a ROOT without packages.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import uuid
from email.message import Message
from email.parser import HeaderParser
from pathlib import Path
from typing import Any
from urllib.parse import quote

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


def system(root: Path) -> tuple[str, str]:
    """The distribution in `root` and its version, such as ("debian", "12")."""
    release = (root / "etc/os-release").read_text(encoding="utf-8")
    values = dict(re.findall(r"""(?m)^(ID|VERSION_ID)=["']?([^"'\n]+)""", release))
    return values["ID"], values["VERSION_ID"]


def licences(root: Path, name: str) -> list[str]:
    """What a copyright that machines can read says of the package's files, in its own words; else nothing."""
    path = root / "usr/share/doc" / name / "copyright"
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    if not re.search(r"(?m)^Format:.*/copyright-format/1\.0", text):
        return []
    about_files = [part for part in re.split(r"\n\s*\n", text) if re.search(r"(?m)^(Files|Format):", part)]
    return sorted({found for part in about_files for found in re.findall(r"(?m)^License:[ \t]*(\S.*?)\s*$", part)})


def debian_component(package: Message, root: Path, distribution: str, release: str) -> dict[str, Any]:
    """Of one package. Vulnerabilities are known by the source package, so that is named where it differs."""
    name, version = package["Package"], package["Version"]
    purl = f"pkg:deb/{distribution}/{quote(name)}@{quote(version, safe=':')}"
    purl += f"?arch={package['Architecture']}&distro={distribution}-{release}"
    if match := re.match(r"(\S+)(?:\s+\((\S+)\))?", package["Source"] or ""):
        purl += f"&upstream={quote('@'.join(filter(None, match.groups())), safe=':')}"
    found: dict[str, Any] = {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}
    if names := licences(root, name):
        found["licenses"] = [{"license": {"name": one}} for one in names]
    return found


def debian(root: Path) -> list[dict[str, Any]]:
    """The distribution, and each package that dpkg noted as there."""
    status = (root / "var/lib/dpkg/status").read_text(encoding="utf-8")
    packages = [HeaderParser().parsestr(part) for part in re.split(r"\n\s*\n", status.strip()) if part]
    there = [one for one in packages if one["Status"].split()[-1] not in ("config-files", "not-installed")]
    if not there:
        raise ValueError(f"{root}: found no Debian package, wanted those that the image consists of")
    name, version = system(root)
    found = [debian_component(one, root, name, version) for one in there]
    base = {"type": "operating-system", "bom-ref": f"os:{name}@{version}", "name": name, "version": version}
    return [base, *sorted(found, key=lambda one: one["purl"])]


def bill(folder: Path, hashes: dict[str, list[str]], root: Path | None = None) -> dict[str, Any]:
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
        "components": [*components.values(), *(debian(root) if root else [])],
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
    parser = argparse.ArgumentParser(description="The bill of materials of an image.")
    parser.add_argument("--root", type=Path, help="what dpkg noted in the image's base")
    parser.add_argument("folder", type=Path)
    parser.add_argument("locks", type=Path, nargs="+")
    given = parser.parse_args(argv)
    hashes: dict[str, list[str]] = {}
    for path in given.locks:
        hashes |= locked_hashes(path.read_text(encoding="utf-8"))
    try:
        print(json.dumps(bill(given.folder, hashes, given.root), indent=1))
    except ValueError as error:
        print(f"sbom: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
