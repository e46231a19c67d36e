#!/usr/bin/env bash
# Turn changelogs/fragments into the changelog of the version that galaxy.yml names.
# In a copy of the tracked files, because the tool copies the whole collection about, a .venv and built images included.
set -euo pipefail
cd "$(dirname "$0")/../.."
version=$(sed -n 's/^version: //p' galaxy.yml)
runtime=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' cache_runtime/src/dtr_content_cache/__init__.py)
[ "$version" = "$runtime" ] || { echo "release: galaxy.yml says $version, the runtime $runtime; make them the same" >&2; exit 1; }
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
copy=$place/ansible_collections/dtr/caches
mkdir -p "$copy"
git ls-files -z | xargs -0 cp --parents -t "$copy"
(cd "$copy" && ANSIBLE_COLLECTIONS_PATH=$place antsibull-changelog release --version "$version")
cp "$copy/CHANGELOG.rst" .
rsync -a --delete "$copy/changelogs/" changelogs/ 2>/dev/null || { rm -rf changelogs; cp -r "$copy/changelogs" .; }
mkdir -p changelogs/fragments && touch changelogs/fragments/.gitkeep
echo "release: CHANGELOG.rst now tells $version; commit it, tag v$version, and publish build/ from 'make collection image'"
