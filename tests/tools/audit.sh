#!/usr/bin/env bash
# Known vulnerabilities in what the image holds, by pip-audit: audit.sh LOCK-FILE…
# Exit 0: none. 1: some, listed. 3: the data about them cannot be reached from here, so nobody knows; said in one line.
set -euo pipefail
cd "$(dirname "$0")/../.."
[ $# -gt 0 ] || { echo "usage: audit.sh LOCK-FILE…" >&2; exit 2; }
place=build/audit
report=$PWD/$place/report.json
mkdir -p "$place"
rm -f "$report"

if ! [ "$place/ready" -nt requirements/audit.txt ]; then
    .venv/bin/python -m venv --clear "$place/venv"
    "$place/venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/audit.txt
    touch "$place/ready"
fi
code=0
timeout 300 "$place/venv/bin/pip-audit" --disable-pip --require-hashes --progress-spinner off --format json --output "$report" \
    "${@/#/--requirement=}" >"$place/log" 2>&1 || code=$?
if [ ! -s "$report" ]; then
    printf 'audit: NOT AUDITED: no data about known vulnerabilities from here (pip-audit ended with %s: %s)\n' \
        "$code" "$(grep -v '^ *$' "$place/log" | tail -1 | cut -c1-160)" >&2
    exit 3
fi
.venv/bin/python - "$report" <<'PY'
import json
import sys

found = json.load(open(sys.argv[1], encoding="utf-8"))["dependencies"]
known = [(one["name"], one["version"], bug) for one in found for bug in one.get("vulns", [])]
for name, version, bug in known:
    print(f"audit: {name} {version}: {bug['id']}, mended in {', '.join(bug['fix_versions']) or 'no version yet'}")
skipped = [one["name"] for one in found if "skip_reason" in one]
if skipped:
    print(f"audit: NOT AUDITED: no data about known vulnerabilities from here of {', '.join(skipped)}")
print(f"audit: {len(found) - len(skipped)} distributions looked at, {len(known)} known vulnerabilities")
sys.exit(1 if known else 3 if skipped else 0)
PY
