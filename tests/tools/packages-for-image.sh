#!/usr/bin/env bash
# Lay Python packages out for an image: packages-for-image.sh TARGET PYTHON-VERSION PROJECT…
# The locked runtime requirements (requirements/runtime.txt, hashes checked) as wheels for that Python, then our own PROJECTs.
# TRACES=yes adds what sending OpenTelemetry traces needs (requirements/traces.txt, about 14 MB).
# MACHINE=aarch64 lays out wheels for another processor than this one.
# BASE_ROOT=<folder> holds what dpkg noted in the image's base: the bill of materials names those packages, too.
# Done on the host because the image has no pip, and its build no network.
set -euo pipefail
cd "$(dirname "$0")/../.."
target=${1:?usage: packages-for-image.sh TARGET PYTHON-VERSION PROJECT…}
version=${2:?usage: packages-for-image.sh TARGET PYTHON-VERSION PROJECT…}
shift 2
python=.venv/bin/python
machine=${MACHINE:-$(uname -m)}

work=build/packages-$version-$machine
wanted=(requirements/runtime.txt)
[ "${TRACES:-}" != yes ] || wanted+=(requirements/traces.txt)
stamp=$work/$(cat "${wanted[@]}" tests/tools/packages-for-image.sh | sha256sum | cut -c1-12)
mkdir -p "$work"

logged() { "$@" >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }; }

exec 9>"$work/lock" && flock 9
if [ ! -d "$stamp" ]; then
    rm -rf "$stamp.part"
    # The newest glibc that a wheel may ask for is Debian 12's.
    platforms=(--platform "manylinux2014_$machine")
    for minor in 17 24 26 27 28 31 34 35 36; do platforms+=(--platform "manylinux_2_${minor}_$machine"); done
    logged "$python" -m pip install --quiet --disable-pip-version-check --no-compile --target "$stamp.part" --only-binary :all: --no-deps \
        --python-version "$version" --implementation cp "${platforms[@]}" --require-hashes "${wanted[@]/#/--requirement=}"
    # Programs, type stubs and tests of packages serve nobody in an image; pycparser only builds cffi.
    rm -rf "$stamp.part/bin" "$stamp.part"/pycparser* "$stamp.part/tornado/test" "$stamp.part/tornado/testing.py"
    find "$stamp.part" \( -name '*.pyi' -o -name '*.pyx' -o -name '*.pxd' -o -name '*.c' -o -name '*.h' -o -name tests \) \
        -prune -exec rm -rf {} +
    mv "$stamp.part" "$stamp"
fi

rm -rf "$target" "$work/own"
mkdir -p "$target"
cp -a "$stamp/." "$target/"
for project in "$@"; do logged "$python" -m build --wheel --no-isolation --outdir "$work/own" "$project"; done
logged "$python" -m pip install --quiet --disable-pip-version-check --no-compile --no-deps --no-index --target "$work/own/tree" "$work"/own/*.whl
rm -rf "$work/own/tree/bin" "$work/own/tree/lib" "$work/own/tree/share" # for hosts without containers
cp -a "$work/own/tree/." "$target/"
# Where a wheel and our Python lay on this machine is nobody's business, and would make every folder's image another one.
rm -f "$target"/*.dist-info/direct_url.json
sed -i -E '/(direct_url\.json|^\.\.\/)/d' "$target"/*.dist-info/RECORD
# What lies there, for whoever must know; and one time for all files, so that the same content is the same layer.
"$python" tests/tools/sbom.py ${BASE_ROOT:+--root "$BASE_ROOT"} "$target" "${wanted[@]}" >"$target/sbom.cdx.json"
find "$target" -exec touch --no-dereference --date="@${SOURCE_DATE_EPOCH:-1577836800}" {} +
