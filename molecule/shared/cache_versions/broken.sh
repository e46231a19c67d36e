#!/bin/sh
# In place of the command: --check, --probe and --version work as ever.
case $1 in --*) exec python3 -P -m dtr_content_cache "$@" ;; esac
echo "this version cannot serve" >&2
exit 1
