#!/usr/bin/env bash
# Look at the built tarball as Ansible Galaxy does before it takes it: metadata, changelog, documentation, a page for each role.
# Owns: the importer's environment in .cache/importer. Owns not: lint and sanity, which the importer would only run once more
# (make lint, make sanity), and for which it would ask Galaxy for other collections.
set -euo pipefail
cd "$(dirname "$0")/../.."
venv=$PWD/.cache/importer work=$PWD/build/import
wanted=$(sha256sum <requirements/importer.txt | cut -c1-12)
if [ "$(cat "$venv/made-of" 2>/dev/null)" != "$wanted" ]; then
    rm -rf "$venv"
    "${PYTHON:-python3}" -m venv "$venv"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/importer.txt
    echo "$wanted" >"$venv/made-of"
fi

rm -rf "$work"
mkdir -p "$work"
.venv/bin/ansible-galaxy collection build --output-path "$work" . >/dev/null
cat >"$work/importer.cfg" <<'CFG'
[galaxy-importer]
check_changelog = True
check_required_tags = True
run_ansible_doc = True
run_ansible_lint = False
run_ansible_test = False
CFG
export GALAXY_IMPORTER_CONFIG=$work/importer.cfg ANSIBLE_COLLECTIONS_PATH=$PWD/.ansible/collections ANSIBLE_HOME=$work/ansible
cd "$work" # it leaves its verdict where it stands
if ! PATH=$venv/bin:$PATH "$venv/bin/python" -m galaxy_importer.main ./*.tar.gz >log 2>&1 ||
    ! grep -q 'Importer processing completed successfully' log; then
    grep -E 'ERROR|WARNING' log >&2 || tail -n 20 log >&2
    echo "import: Galaxy would refuse the tarball; all of it: $work/log" >&2
    exit 1
fi
echo "import: Galaxy's importer takes $(basename ./*.tar.gz)"
