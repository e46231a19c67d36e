#!/bin/sh
# registries.sh start|stop NAME, where NAME is htpasswd, tokens or token_service: a Distribution registry with NAME.yml, or the token
# service. What it logs, each request included, is in NAME.log. Returns when it answers, or is gone.
set -eu
cd /srv/registries
name=$2

program() {
    case $name in
        token_service) PYTHONPATH=/opt/dtr-simulator exec python3 token_service.py ;;
        *) exec docker-registry serve "$name.yml" ;;
    esac
}
answers() {
    case $name in htpasswd) port=5000 ;; tokens) port=5001 ;; token_service) port=5002 ;; esac
    curl --silent --insecure --output /dev/null "https://127.0.0.1:$port/v2/"
}
case $1 in
    start)
        [ "$name" != htpasswd ] || [ -e htpasswd.users ] || python3 -c 'import crypt
for account in ("publisher", "alice"):
    print(f"{account}:" + crypt.crypt(f"{account}-password", crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=16)))' >htpasswd.users
        (program) >>"$name.log" 2>&1 </dev/null &
        echo $! >"$name.pid"
        until answers; do kill -0 "$(cat "$name.pid")"; sleep 0.1; done
        ;;
    stop)
        kill "$(cat "$name.pid")"
        while answers; do sleep 0.1; done
        ;;
esac
