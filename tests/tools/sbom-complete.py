"""Does an image's bill of materials name every Debian package in it? Run inside: python3 - [ROOT] <sbom-complete.py

Each package that dpkg noted must be named, in its version and for its processor, and no other. So must be each whose
copyright lies there, whatever dpkg noted: that folder has the name of a package or of its source. Ends with the number
of packages, or 1 and what differs.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from urllib.parse import parse_qs

BILL = "opt/dtr-content-cache/sbom.cdx.json"


def billed(root: Path) -> dict[str, str]:
    """The name of the source by what is billed, as dpkg-query would print it."""
    found = {}
    for one in json.loads((root / BILL).read_text(encoding="utf-8"))["components"]:
        kind, _, qualifiers = one.get("purl", "").partition("?")
        if kind.startswith("pkg:deb/"):
            values = parse_qs(qualifiers)
            source = values.get("upstream", [one["name"]])[0].partition("@")[0]
            found[f"{one['name']} {one['version']} {values['arch'][0]}"] = source
    return found


def noted(root: Path) -> set[str]:
    """What dpkg's own notes say."""
    path = root / "var/lib/dpkg/status"
    found = set()
    for part in path.read_text(encoding="utf-8").split("\n\n") if path.exists() else []:
        fields = dict(re.findall(r"(?m)^(Package|Version|Architecture|Status): (.*)$", part))
        if fields and not fields["Status"].endswith((" config-files", " not-installed")):
            found.add(f"{fields['Package']} {fields['Version']} {fields['Architecture']}")
    return found


def differences(root: Path) -> list[str]:
    """What the bill has too little or too much."""
    bill, notes = billed(root), noted(root)
    names = {one.split()[0] for one in bill} | set(bill.values())
    folders = {path.parent.name for path in root.glob("usr/share/doc/*/copyright")}
    return [
        *(f"not billed: {one}" for one in sorted(notes - set(bill))),
        *(f"billed, but not there: {one}" for one in sorted(set(bill) - notes)),
        *(f"there, but nobody billed it: {one}" for one in sorted(folders - names)),
    ]


if __name__ == "__main__":
    place = Path(sys.argv[1] if len(sys.argv) > 1 else "/")
    found = differences(place)
    print("\n".join(found) or f"{len(billed(place))} Debian packages")
    sys.exit(1 if found else 0)
