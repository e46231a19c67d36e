"""A certificate for one cache of the lab: issue_certificate.py FOLDER HOST NAME…

Owns: FOLDER/HOST.pem and HOST-key.pem, for the name HOST.test and each further NAME, and the CA of all offices in
FOLDER/office-ca.
The simulator's own certificate code does the work; this CA has nothing to do with DTR's.
"""

from __future__ import annotations

import sys
from pathlib import Path

from dtr_simulator.certificates import ensure_ca, issue_server_certificate


def main(folder: Path, host: str, *names: str) -> None:
    authority = folder / "office-ca"
    authority.mkdir(exist_ok=True)
    ensure_ca(authority)
    certificate, key = issue_server_certificate(authority, [f"{host}.test", *names])
    certificate.replace(folder / f"{host}.pem")
    key.replace(folder / f"{host}-key.pem")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
