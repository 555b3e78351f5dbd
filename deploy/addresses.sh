#!/bin/sh
# addresses.sh prints the addresses of what docker-compose.yml has started, and what to do next. COMPOSE and DOCKER are
# the commands that were used.
set -eu
# shellcheck disable=SC2086 # they may be several words

# published SERVICE PORT prints the URL of a port as this machine reaches it, or nothing if the port is not published.
published() {
	$COMPOSE port "$1" "$2" 2>/dev/null | sed -n '1s/^\(0\.0\.0\.0\|127\.0\.0\.1\|\[::\]\):/localhost:/; 1s|^|http://|p'
}

line() { # line WHAT URL NOTE
	[ -z "$2" ] || printf '  %-11s %s   %s\n' "$1" "$2" "$3"
}

# setting SERVICE NAME prints a variable of a service's first container, or nothing if it has none.
setting() {
	for container in $($COMPOSE ps -q "$1" 2>/dev/null); do
		$DOCKER inspect --format '{{range .Config.Env}}{{println .}}{{end}}' "$container" | sed -n "s/^$2=//p"
		break
	done
}

api=$(published api 9001)
mail=$(setting alertman SMTP_HOSTNAME)
[ "$mail" != mail ] || mail='the service mail, which keeps it: make check-mail-dev shows the newest'
cat <<TEXT

Everything runs, also after a restart of the Docker engine. make stop stops it; make start goes on with the same data.

$(line API "$api" "(docs: $api/docs)")
$(line Desk "$(setting desk DESK_URL)" 'the web console, for those whom OIDC_ISSUER signs in')
$(line 'Web UI' "$(published temporal-ui 8080)" 'every transaction is a workflow')
$(line RabbitMQ "$(published rabbitmq 15672)" 'user operator, password operator')
$(line Grafana "$(published grafana 3000)" 'dashboards, from the one on call')
$(line Prometheus "$(published prometheus 9090)" 'the alarms are under Alerts')
$(line Jaeger "$(published jaeger 16686)" 'traces')
  Mail        goes to $mail
  Logs        make check-logs-dev-app

Post a transaction. A card that is used again and again is reviewed, then a fraud, which sends mail:

curl $api/transact  -X POST -H 'Content-type: application/json' -d '{"order": {"id": 1234, "name": "avengers 4 spoilers book", "cost": 123.00, "currency": "INR"}, "paymentMethod": "amazonpay", "payment": {"card": 1234567887654321, "type": "wallet", "amount": 123.00, "currency": "INR"} }'
TEXT
