#!/bin/sh
# Brings a Temporal server to what the service needs: the namespace, how long it keeps closed workflows, and the search
# attributes. What is there already stays, so it can be run again at any time. It needs the temporal CLI, and finds
# the server as that does (TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_TLS_*, profiles).
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
TEMPORAL_NAMESPACE=${TEMPORAL_NAMESPACE:-default}
export TEMPORAL_NAMESPACE
retention_days=${TEMPORAL_RETENTION_DAYS:-30} # a retention that is longer is left alone
patience=${TEMPORAL_SETUP_PATIENCE:-120}      # seconds to wait for the server

fail() {
	echo "setup.sh: $*" >&2
	exit 1
}

# wait_for COMMAND... tries it each second until it succeeds, and at the end shows why it did not.
wait_for() {
	tries=0
	until "$@" >/dev/null 2>&1; do
		tries=$((tries + 1))
		if [ "$tries" -ge "$patience" ]; then
			"$@" >&2 || fail "gave up after ${patience}s: $*"
		fi
		sleep 1
	done
}

namespace_there() {
	temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE"
}

# retention_seconds prints how long the namespace keeps closed workflows.
retention_seconds() {
	temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" --output json |
		sed -n 's/.*"workflowExecutionRetentionTtl": *"\([0-9]*\)s".*/\1/p'
}

# ensure_attribute NAME TYPE succeeds when the server knows the attribute; right after its creation it may not yet.
ensure_attribute() {
	has_attribute "$1" ||
		temporal operator search-attribute create --namespace "$TEMPORAL_NAMESPACE" --name "$1" --type "$2"
	has_attribute "$1"
}

has_attribute() {
	temporal operator search-attribute list --namespace "$TEMPORAL_NAMESPACE" |
		awk -v name="$1" '$1 == name { found = 1 } END { exit !found }'
}

command -v temporal >/dev/null || fail "the temporal CLI is not on PATH; make build puts one into bin/"
wait_for temporal operator cluster health

if ! namespace_there >/dev/null 2>&1; then
	# Somebody else may be creating it at this moment; whether it is there in the end is what counts.
	temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention "${retention_days}d" || true
	wait_for namespace_there
fi
seconds=$(retention_seconds)
if [ "${seconds:-0}" -lt $((retention_days * 86400)) ]; then
	temporal operator namespace update --namespace "$TEMPORAL_NAMESPACE" --retention "${retention_days}d"
fi

grep -v -e '^[[:space:]]*#' -e '^[[:space:]]*$' "$here/search-attributes" | while IFS='=' read -r name type; do
	wait_for ensure_attribute "$name" "$type"
done
echo "Temporal is set up: namespace $TEMPORAL_NAMESPACE, and the search attributes of $here/search-attributes"
