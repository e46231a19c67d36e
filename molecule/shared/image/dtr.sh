#!/bin/sh
# DTR of the lab: the simulator in front, a real Distribution registry behind it. DTR_URL is the name that users know it by.
set -eu
: "${DTR_URL:?}" "${DTR_ACCOUNTS:?}"
host=${DTR_URL#https://}

mkdir -p /state
printf '%s\n' "$DTR_ACCOUNTS" >/accounts.yml
docker-registry serve /registry.yml &
until curl --silent --fail --output /dev/null http://127.0.0.1:5000/v2/; do sleep 0.1; done

export PYTHONPATH=/opt/dtr-simulator PYTHONUNBUFFERED=1
# shellcheck disable=SC2086 # the options are words
exec python3 -m dtr_simulator --listen 0.0.0.0:443 --url "$DTR_URL" --san "$host" --state /state \
    --accounts /accounts.yml --registry http://127.0.0.1:5000 ${DTR_OPTIONS:-}
