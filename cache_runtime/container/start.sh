#!/bin/sh
# The vendor's Swarm and Kubernetes files start their image as `/start.sh CONFIG` and `sh start.sh CONFIG`.
exec dtr-content-cache "$@"
