#!/usr/bin/env bash
# Test the collection with the ansible-cores of requirements/core-*.txt, each in a virtual environment of its own: the modules and
# filters, every playbook's syntax, and a first office from its deployment to its retirement. test-matrix.sh [CORE…], for example 2.17.
# Owns: the environments in .cache/matrix. Owns not: what is tested; those are the same tests as with the core in .venv.
# Rule: a core that this machine has no Python for is named at the end, never left out in silence.
set -euo pipefail
cd "$(dirname "$0")/../.."
declare -A oldest_python=([2.17]=3.10 [2.21]=3.12) newest_python=([2.17]=3.12 [2.21]=3.14)
cores=("$@")
[ ${#cores[@]} -gt 0 ] || cores=(2.17 2.21)
say() { printf 'matrix: %s\n' "$*" >&2; }

between() { # $1: interpreter, $2 $3: oldest and newest version; our own code wants 3.11
    "$1" -c 'import sys; at = lambda text: tuple(map(int, text.split("."))); me = sys.version_info[:2]
sys.exit(not (max((3, 11), at(sys.argv[1])) <= me <= at(sys.argv[2])))' "$2" "$3" 2>/dev/null
}

python_for() { # $1: core → an interpreter that it supports
    local one
    for one in "${PYTHON:-python3}" python3.{11..14} "$HOME"/.pyenv/versions/*/bin/python3; do
        command -v "$one" >/dev/null && between "$one" "${oldest_python[$1]}" "${newest_python[$1]}" && echo "$one" && return
    done
    return 1
}

make_ready() { # $1: core, $2: interpreter → .cache/matrix/<core>, as its requirements say
    local venv=.cache/matrix/$1 wanted
    wanted=$(cat "requirements/core-$1.txt" tests/tools/test-matrix.sh | sha256sum | cut -c1-12)
    [ "$(cat "$venv/made-of" 2>/dev/null)" != "$wanted" ] || return 0
    say "making an environment with ansible-core $1 on $("$2" --version)"
    rm -rf "$venv"
    "$2" -m venv "$venv"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "requirements/core-$1.txt"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e cache_runtime -e tests/dtr_simulator
    echo "$wanted" >"$venv/made-of"
}

try() { # $1: core
    local venv=$PWD/.cache/matrix/$1
    (
        export PATH="$venv/bin:$PATH" ANSIBLE_COLLECTIONS_PATH=$PWD/.ansible/collections PYTHONDONTWRITEBYTECODE=1
        export ANSIBLE_HOME=$PWD/.cache/matrix/home ANSIBLE_LOCALHOST_WARNING=0
        say "ansible-core $1: $(ansible --version | head -n 1)"
        ansible-playbook --syntax-check -i playbooks/inventories/example playbooks/*.yml >/dev/null
        pytest -q -n 2 tests/unit
        pytest -q tests/playbooks/test_one_office.py -k "first_deployment or second_deployment or renewed or retirement"
    )
}

untested=()
for core in "${cores[@]}"; do
    [ -f "requirements/core-$core.txt" ] || { say "found no requirements/core-$core.txt"; exit 2; }
    if ! python=$(python_for "$core"); then
        untested+=("$core (wanted Python ${oldest_python[$core]} to ${newest_python[$core]}, 3.11 at least)")
        continue
    fi
    make_ready "$core" "$python"
    try "$core"
done
[ ${#untested[@]} -eq 0 ] || { say "NOT TESTED, for want of a Python: ${untested[*]}"; exit 0; }
say "passed with ansible-core ${cores[*]}, and with $(.venv/bin/ansible --version | head -n 1) in .venv"
