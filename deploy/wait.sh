#!/bin/sh
# wait.sh CONTAINER...: waits until each is healthy, or where it has no health check, runs or has exited with 0, and tells for
# which it still waits. It exits with 1 as soon as one has failed, with the end of its log, or after WAIT_SECONDS (180).
# What runs to its end has ended by then: up has waited for it, since others depend on it.
# `docker compose up --wait` does not do: docker-compose 1.29 has none, and Compose v2 takes a container that has done
# its work for a failure.
set -eu

docker=${DOCKER:-docker}
deadline=$(($(date +%s) + ${WAIT_SECONDS:-180}))
format='{{.Name}} {{.State.Status}} {{.State.ExitCode}} {{if .State.Health}}{{.State.Health.Status}}{{else}}none{{end}}'

# sort_out reads lines of the format above, and prints "failed NAME", or "waiting NAME", for those that are not ready.
# What is restarting has exited by itself. What is unhealthy may yet get better.
sort_out() {
	while read -r name status code health; do
		case "$status $code $health" in
		"running "*" healthy" | "running "*" none" | "exited 0 none") ;;
		"exited "* | "dead "* | "restarting "*) echo "failed ${name#/}" ;;
		*) echo "waiting ${name#/}" ;;
		esac
	done
}

# give_up WHY CONTAINER
give_up() {
	echo "wait.sh: $1; the last lines of $2:" >&2
	$docker logs --tail 5 "$2" >&2 || true
	exit 1
}

[ $# -gt 0 ] || { echo "wait.sh: no containers" >&2; exit 1; }
told=
while :; do
	# shellcheck disable=SC2086 # $docker may be several words
	left=$($docker inspect --format "$format" "$@" | sort_out)
	[ -n "$left" ] || exit 0
	failed=$(echo "$left" | sed -n 's/^failed //p' | paste -sd ' ' -)
	waiting=$(echo "$left" | sed -n 's/^waiting //p' | paste -sd ' ' -)
	[ -z "$failed" ] || give_up "failed: $failed" "${failed%% *}"
	[ "$(date +%s)" -lt "$deadline" ] || give_up "still not ready: $waiting" "${waiting%% *}"
	[ "$waiting" = "$told" ] || echo "waiting for $waiting"
	told=$waiting
	sleep 1
done
