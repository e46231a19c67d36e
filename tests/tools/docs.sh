#!/usr/bin/env bash
# Build the documentation as a site into build/docs: docs/, the reference that docs/reference.py reads out of the code, and a page
# for each module, filter and role of the collection. A warning is a failure.
# Owns: nothing but the build. Rule: nothing is fetched from anywhere.
set -euo pipefail
cd "$(dirname "$0")/../.."
top=$PWD
export PATH="$top/.venv/bin:$PATH" ANSIBLE_COLLECTIONS_PATH="$top/.ansible/collections" ANSIBLE_LOCALHOST_WARNING=0
sources=$top/build/docs-sources
export ANSIBLE_HOME="$sources/.ansible"
DOCS_VERSION=$(sed -n 's/^version: //p' galaxy.yml)
export DOCS_VERSION

antsibull-docs lint-collection-docs --plugin-docs --check-extra-docs-refs --skip-rstcheck .
rm -rf build/docs "$sources"
mkdir -p "$sources/collection"
cp -r docs/. "$sources/"
cp CONTRIBUTING.md "$sources/contributing.md"
# What the collection's pages refer to outside it; a reference that is not listed here is a warning, and so a failure.
elsewhere() { # $1: label, $2: title, $3: address
    printf '.. _%s:\n\n%s\n%s\n\n`%s <%s>`__\n\n' "$1" "$2" "${2//?/-}" "$2" "$3"
}
ansible=https://docs.ansible.com/projects/ansible/latest
{
    printf ':orphan:\n\nElsewhere\n=========\n\n'
    elsewhere common_return_values "Common return values" $ansible/reference_appendices/common_return_values.html
    elsewhere ansible_configuration_settings "Configuration settings" $ansible/reference_appendices/config.html
    for module in ansible.builtin.copy community.docker.docker_swarm_info; do
        elsewhere "ansible_collections.${module}_module" "$module module" "$ansible/collections/${module//.//}_module.html"
    done
} >"$sources/collection/elsewhere.rst"
antsibull-docs collection --use-current --squash-hierarchy --no-breadcrumbs --no-add-antsibull-docs-version --fail-on-error \
    --dest-dir "$sources/collection" dtr.caches
python tests/tools/docs/reference.py "$sources/reference"
sphinx-build -W --keep-going -q -b html -c tests/tools/docs -d build/docs-sources/.doctrees "$sources" build/docs
echo "docs: build/docs/index.html, $(find build/docs -name '*.html' | wc -l) pages"
