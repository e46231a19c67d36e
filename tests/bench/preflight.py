"""Are the peers here? On Debian as root they are installed; elsewhere one sentence says what is missing."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from .processes import is_root
from .refused import Refused

_PACKAGES = {"nginx": "nginx-light", "docker-registry": "docker-registry", "taskset": "util-linux"}
_INSTALLER = Path(__file__).parents[1] / "tools" / "apt-install.sh"


def ensure_peers() -> None:
    """Raise Refused where a peer is missing and cannot be installed."""
    missing = [program for program in _PACKAGES if shutil.which(program) is None]
    if not missing:
        return
    packages = [_PACKAGES[program] for program in missing]
    if not is_root() or shutil.which("apt-get") is None:
        raise Refused(
            f"found no {' and no '.join(missing)}; wanted the peers to compare with: on Debian, as root, "
            f"`apt-get install {' '.join(packages)}`"
        )
    done = subprocess.run([str(_INSTALLER), *packages], check=False)
    if done.returncode:
        raise Refused(f"could not install {' '.join(packages)}; apt's own words are above")


def ensure_room(folder: Path, bytes_wanted: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < bytes_wanted:
        raise Refused(f"{folder}: found {free / 1e9:.1f} GB free, wanted {bytes_wanted / 1e9:.1f} GB")
