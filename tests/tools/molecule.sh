#!/usr/bin/env bash
# Run the molecule scenarios: molecule.sh [SCENARIO]. All of them without a name. `molecule.sh --shell` opens a shell in which
# molecule's own commands work (molecule converge --scenario-name …); leaving the shell takes everything down.
# Owns: the engine, the images and the environment around `molecule test`, and that nothing of it stays, also after Ctrl-C.
# Rule: what a scenario needs to know reaches it by the LAB_ variables below, and nothing else.
set -euo pipefail
cd "$(dirname "$0")/../.."
say() { printf 'molecule: %s\n' "$*" >&2; }

mapfile -t scenarios < <(cd molecule && printf '%s\n' */molecule.yml | sed 's|/molecule.yml||' | grep -vx default)
if [ "${1:-}" = --shell ]; then
    scenarios=()
elif [ -n "${1:-}" ]; then
    [ -f "molecule/$1/molecule.yml" ] || { say "found no scenario '$1'; there are: ${scenarios[*]}"; exit 2; }
    scenarios=("$1")
fi
scenario="nothing yet"
mkdir -p build/molecule
exec 8>build/molecule/lock
flock --nonblock 8 || { say "another run is under way in this checkout; wait for its end"; exit 2; }

suffix=$(printf %s "$PWD" | sha256sum | cut -c1-6)
version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' cache_runtime/src/dtr_content_cache/__init__.py)
export LAB_SUFFIX=$suffix LAB_FILES=$PWD/build/molecule/lab LAB_ETC_HOSTS=$PWD/build/molecule/hosts
export LAB_IMAGE=dtr-caches-lab:$suffix
export LAB_CACHE_IMAGE=dtr-content-cache:$version-$suffix LAB_CACHE_ARCHIVE=$PWD/build/image/dtr-content-cache-$version-$suffix.tar
export PATH=$PWD/.venv/bin:$PATH ANSIBLE_COLLECTIONS_PATH=$PWD/.ansible/collections
export MOLECULE_EPHEMERAL_DIRECTORY=$PWD/build/molecule/ephemeral MOLECULE_PROJECT_DIRECTORY=$PWD

sweep() { # by label: also what a scenario left that could not end itself
    local ours="label=lab=dtr-caches-$suffix"
    docker ps --all --quiet --filter "$ours" | xargs --no-run-if-empty docker rm --force --volumes >/dev/null
    docker network ls --quiet --filter "$ours" | xargs --no-run-if-empty docker network rm >/dev/null
    rm -rf build/molecule/lab build/molecule/hosts
}
end() {
    local code=$?
    trap - EXIT INT TERM
    case $code in 0 | 130 | 143) ;; *) tests/tools/molecule-logs.sh || true ;; esac
    sweep || true
    [ -z "${engine_is_ours:-}" ] || tests/tools/engine.sh stop
    case $code in
        0) say "passed $scenario, in $SECONDS s" ;;
        130 | 143) say "interrupted at $scenario, after $SECONDS s" ;;
        *) say "FAILED at $scenario, after $SECONDS s; what failed stands above the logs" ;;
    esac
    exit $code
}
[ -t 1 ] || export NO_COLOR=1
trap end EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

if ! tests/tools/engine.sh status >/dev/null; then
    engine_is_ours=yes
    tests/tools/engine.sh start
fi
eval "$(tests/tools/engine.sh env)"
IMAGE=$LAB_CACHE_IMAGE tests/tools/build-image.sh
tests/tools/molecule-image.sh "$LAB_IMAGE"
sweep

[ ${#scenarios[@]} -gt 0 ] || { tests/tools/engine.sh run bash || true; }
for scenario in "${scenarios[@]}"; do
    say "$scenario"
    rm -rf "$MOLECULE_EPHEMERAL_DIRECTORY"
    # Not taken down by molecule, so that a failed scenario's logs can still be asked for.
    tests/tools/engine.sh run molecule test --destroy=never --no-command-borders --scenario-name "$scenario"
    sweep
done
scenario="${#scenarios[@]} scenario(s): ${scenarios[*]}"
