#!/usr/bin/env bash
# Run ansible-test sanity on the collection, with no ignore entries. ansible-test wants the collection under its real
# path ansible_collections/dtr/caches, so the files that git knows (or would take) are copied to .place first.
# More arguments go to ansible-test: sanity.sh --test validate-modules
set -euo pipefail
cd "$(dirname "$0")/../.."
top=$PWD
place=$top/.place/ansible_collections/dtr/caches
export PATH="$top/.venv/bin:$PATH" PIP_DISABLE_PIP_VERSION_CHECK=1
export HOME="$top/.cache/sanity"   # ansible-test keeps its virtual environments under $HOME
python=$(python -c 'import sys; print("%d.%d" % sys.version_info[:2])')

# ansible-test fetches a pip installer from a site of its own; where that cannot be reached, the same pip in a wheel does.
version=$(python - <<'PY'
import inspect, re
from ansible_test._internal import python_requirements
print(re.search(r"pip='([0-9.]+)'", inspect.getsource(python_requirements)).group(1))
PY
)
installer=$HOME/.ansible/test/cache/get_pip_${version//./_}.py
if [ ! -s "$installer" ]; then
    mkdir -p "$HOME/wheels" "$(dirname "$installer")"
    python -m pip download --quiet --no-deps -d "$HOME/wheels" "pip==$version"
    cat > "$installer" <<PY
import sys
sys.path.insert(0, "$HOME/wheels/pip-$version-py3-none-any.whl")
from pip._internal.cli.main import main
sys.exit(main(["install"] + [one for one in sys.argv[1:] if one not in ("--no-setuptools", "--no-wheel")]))
PY
fi

rm -rf "$place"
mkdir -p "$place"
git ls-files -z -co --exclude-standard -- plugins meta roles playbooks changelogs galaxy.yml README.md LICENSE |
    xargs -0 --no-run-if-empty cp --parents -t "$place" 2>/dev/null || true   # a file deleted but not yet committed
cd "$place"
git init --quiet .
echo /tests/output/ > .git/info/exclude   # its own environments are no part of the collection
exec ansible-test sanity --python "$python" --venv --color no "$@"
