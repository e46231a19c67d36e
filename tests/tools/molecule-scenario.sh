#!/usr/bin/env bash
# Run one scenario from beginning to end: molecule-scenario.sh SCENARIO, called by molecule.sh with the LAB_ variables set.
# Owns: what this scenario alone has (addresses, molecule's own folder), its last minute's logs when it fails, and its end.
set -euo pipefail
cd "$(dirname "$0")/../.."
scenario=${1:?usage: molecule-scenario.sh SCENARIO}

lab=dtr-caches-$LAB_SUFFIX-$scenario
export LAB_ETC_HOSTS=$LAB_FILES/$scenario.hosts MOLECULE_EPHEMERAL_DIRECTORY=$PWD/build/molecule/ephemeral/$scenario
end() {
    local code=$?
    trap - EXIT
    case $code in 0 | 130 | 143) ;; *) tests/tools/molecule-logs.sh "lab=$lab" || true ;; esac
    tests/tools/molecule-sweep.sh "lab=$lab" "$LAB_FILES/$scenario" "$LAB_ETC_HOSTS" "$MOLECULE_EPHEMERAL_DIRECTORY"
    printf 'molecule: %s took %s s\n' "$scenario" "$SECONDS"
    exit "$code"
}
trap end EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

rm -rf "$MOLECULE_EPHEMERAL_DIRECTORY"
# Not taken down by molecule, so that a failed scenario's logs can still be asked for.
tests/tools/engine.sh run molecule test --destroy=never --no-command-borders --scenario-name "$scenario"
