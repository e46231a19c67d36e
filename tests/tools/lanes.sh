#!/usr/bin/env bash
# lanes.sh "TARGET…" "TARGET…": make's targets, one lane beside the other, a lane's targets one after another.
#
# A line for each target when it has ended, and all that it said where it failed (else in build/test/TARGET.log). After a
# failure nothing new begins, what is under way ends.
set -euo pipefail
cd "$(dirname "$0")/../.."
logs=build/test
rm -rf "$logs"
mkdir -p "$logs"
unset MAKEFLAGS MFLAGS MAKELEVEL

lane() {
    local target started
    for target in $1; do
        [[ ! -e $logs/failed ]] || return 0
        started=$SECONDS
        if make --no-print-directory "$target" >"$logs/$target.log" 2>&1; then
            printf 'passed  %-18s %5d s\n' "$target" $((SECONDS - started))
        else
            echo "$target" >>"$logs/failed"
            printf '%s\nFAILED  %s, after %d s; its output is above and in %s\n' \
                "$(<"$logs/$target.log")" "$target" $((SECONDS - started)) "$logs/$target.log"
        fi
    done
}

trap 'trap - INT TERM; kill 0; exit 130' INT TERM # a shell's background jobs do not hear of Ctrl-C
for targets in "$@"; do
    lane "$targets" &
done
wait
[[ ! -e $logs/failed ]]
