#!/usr/bin/env bash
# Put everything into the virtual environment $1: locked tools, our two packages, the collections we depend on.
set -euo pipefail
venv=${1:?usage: setup.sh VENV}
python=${PYTHON:-python3}

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    found=$("$python" --version 2>&1 || echo "no $python")
    echo "setup: Python 3.11 or newer is needed, found: $found. Name another one: make PYTHON=/path/to/python3" >&2
    exit 1
fi
if ! "$python" -c 'import ensurepip' 2>/dev/null; then
    echo "setup: $python cannot make virtual environments; on Debian install the package python3-venv" >&2
    exit 1
fi

[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
say() { printf 'setup: %s\n' "$*"; }

say "installing the locked packages (requirements/dev.txt)"
"$venv/bin/python" -m pip install --quiet --require-hashes -r requirements/dev.txt
say "installing the cache runtime and the DTR simulator"
"$venv/bin/python" -m pip install --quiet --no-deps --no-build-isolation -e cache_runtime -e tests/dtr_simulator

# The collections that the roles use come out of the ansible wheel, so that no Galaxy server is needed.
collections=.ansible/collections/ansible_collections
if [ ! -d "$collections/community/docker" ] || [ ! -d "$collections/kubernetes/core" ]; then
    say "unpacking community.docker and kubernetes.core (requirements/collections.txt)"
    download=$(mktemp -d)
    trap 'rm -rf "$download"' EXIT
    "$venv/bin/python" -m pip download --quiet --no-deps --require-hashes -d "$download" -r requirements/collections.txt
    "$venv/bin/python" - "$download" .ansible/collections <<'PY'
import pathlib, sys, zipfile
wheel = next(pathlib.Path(sys.argv[1]).glob("ansible-*.whl"))
names = ("community/docker", "community/library_inventory_filtering_v1", "kubernetes/core")
wanted = tuple(f"ansible_collections/{name}/" for name in names)
with zipfile.ZipFile(wheel) as archive:
    archive.extractall(sys.argv[2], [name for name in archive.namelist() if name.startswith(wanted)])
PY
fi

# This checkout is the collection dtr.caches: Ansible finds it through one link, and no stale copy can exist.
mkdir -p "$collections/dtr"
ln -sfn ../../../.. "$collections/dtr/caches"
say "ready"
