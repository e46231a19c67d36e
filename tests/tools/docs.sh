#!/usr/bin/env bash
# Build the collection's pages, one for each module, filter and role, into build/docs/html. A warning is a failure.
# Owns: nothing but the build; every word of the pages lives in plugins/ and roles/. Rule: nothing is fetched from anywhere.
set -euo pipefail
cd "$(dirname "$0")/../.."
top=$PWD
export PATH="$top/.venv/bin:$PATH" ANSIBLE_COLLECTIONS_PATH="$top/.ansible/collections" ANSIBLE_LOCALHOST_WARNING=0
export ANSIBLE_HOME="$top/build/docs/ansible"
rst=$top/build/docs/rst
version=$(sed -n 's/^version: //p' galaxy.yml)

antsibull-docs lint-collection-docs --plugin-docs --check-extra-docs-refs --skip-rstcheck .
rm -rf build/docs
mkdir -p "$rst"
cat >"$rst/conf.py" <<PY
project, version = "dtr.caches", "$version"
copyright = "The dtr.caches maintainers"
extensions = ["sphinx_antsibull_ext"]
html_theme, html_title = "alabaster", "dtr.caches $version"
html_copy_source = False
PY
# What the pages refer to outside this collection; a reference that is not listed here is a warning, and so a failure.
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
} >"$rst/elsewhere.rst"
antsibull-docs collection --use-current --squash-hierarchy --no-breadcrumbs --no-add-antsibull-docs-version --fail-on-error \
    --dest-dir "$rst" dtr.caches
sphinx-build -W --keep-going -q -b html "$rst" build/docs/html
echo "docs: build/docs/html/index.html, $(find build/docs/html -name '*_module.html' -o -name '*_filter.html' -o -name '*_role.html' | wc -l) pages of plugins and roles"
