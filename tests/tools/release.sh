#!/usr/bin/env bash
# Make the checkout say VERSION everywhere, and tell what is new in it: release.sh VERSION (or VERSION=… make release).
# The versions of collection, cache and simulator go in step, so do the names of image and tarball in documents and defaults;
# changelogs/fragments become CHANGELOG.rst and build/release/notes-VERSION.md. DRY=yes shows the changes and makes none.
# Owns not: commit, tag and publishing, which it names at the end. Rule: everything is made in a copy of the tracked files
# first, so that a release that fails has changed nothing.
set -euo pipefail
cd "$(dirname "$0")/../.."
say() { printf 'release: %s\n' "$*"; }
refuse() { say "$*" >&2; exit 1; }

version=${1:-${VERSION:-}}
old=$(sed -n 's/^version: //p' galaxy.yml)
[[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]] || refuse "found the version '$version', wanted three numbers such as VERSION=0.2.0 (it is $old now)"
[ "$(printf '%s\n' "$old" "$version" | sort -V | tail -n 1)" = "$version" ] && [ "$version" != "$old" ] ||
    refuse "found the version $version, wanted one after $old"
git rev-parse -q --verify "refs/tags/v$version" >/dev/null && refuse "found the tag v$version, wanted a version that was never released"
dirt=$(git status --porcelain)
[ -z "$dirt" ] || refuse "found changes that are not committed, wanted none: $(printf '%s' "$dirt" | head -n 3 | tr '\n' ' ')"
fragments=(changelogs/fragments/*.yml)
[ -e "${fragments[0]}" ] || refuse "found no fragment in changelogs/fragments, wanted what users see of this version"

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
copy=$place/ansible_collections/dtr/caches
mkdir -p "$copy"
git ls-files -z | xargs -0 cp --parents --no-dereference -t "$copy"

each_name() { # the files that name the old version's image, tarball or archive
    git grep -lIE "dtr-(content-cache|caches)[:-]${old//./\\.}\b" -- ':!CHANGELOG.rst' ':!changelogs'
}
new_version() {
    sed -i "s/^version: .*/version: $version/" "$copy/galaxy.yml"
    sed -i "s/^version = \"$old\"/version = \"$version\"/" "$copy/tests/dtr_simulator/pyproject.toml"
    sed -i "s/^__version__ = .*/__version__ = \"$version\"/" "$copy"/{cache_runtime/src/dtr_content_cache,tests/dtr_simulator/src/dtr_simulator}/__init__.py
    each_name | (cd "$copy" && xargs -r sed -i -E "s/(dtr-(content-cache|caches)[:-])${old//./\\.}\b/\1$version/g")
}
new_changelog() {
    cd "$copy"
    export ANSIBLE_COLLECTIONS_PATH=$place ANSIBLE_HOME=$place/.ansible
    antsibull-changelog release --version "$version"
    antsibull-changelog generate --only-latest --output-format md --output "$place/notes.md"
    mkdir -p changelogs/fragments && touch changelogs/fragments/.gitkeep
    rm -f changelogs/.plugin-cache.yaml
}
new_version
(new_changelog)

mapfile -t changed < <(git ls-files | while read -r name; do cmp -s "$name" "$copy/$name" || echo "$name"; done)
if [ "${DRY:-}" = yes ]; then
    printf '%s\n' "${changed[@]}"
    cat "$place/notes.md"
    say "dry: $version would change these ${#changed[@]} files; nothing was changed"
    exit
fi
for name in "${changed[@]}" changelogs/fragments/.gitkeep; do
    if [ -e "$copy/$name" ]; then cp "$copy/$name" "$name"; else rm -f "$name"; fi
done
mkdir -p build/release
cp "$place/notes.md" "build/release/notes-$version.md"
say "the checkout is $version; what is new: build/release/notes-$version.md. Then:"
say "  make test-release; git commit -a -m 'Release $version'; git tag v$version; publish what 'make collection wheel image' builds"
