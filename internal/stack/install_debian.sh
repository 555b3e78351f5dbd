# Installs the Debian packages that are its arguments, as root, without starting a service that comes with them.
set -eu
export DEBIAN_FRONTEND=noninteractive

policy=/usr/sbin/policy-rc.d
clusters=/etc/postgresql-common/createcluster.conf
undo() {
	[ -z "${policed:-}" ] || rm -f "$policy"
	[ ! -e "$clusters.before" ] || mv "$clusters.before" "$clusters"
}
trap undo EXIT
trap 'exit 130' HUP INT TERM

# Packages ask policy-rc.d whether they may start their service; 101 is no.
if [ ! -e "$policy" ]; then
	policed=yes
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod 755 "$policy"
fi

install() {
	apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=300 "$@"
}

apt-get update

# The server's package makes a database of its own, unless the settings of postgresql-common say otherwise.
case " $* " in
*" postgresql "*)
	install postgresql-common
	[ -e "$clusters.before" ] || cp -p "$clusters" "$clusters.before"
	echo 'create_main_cluster = false' >>"$clusters"
	;;
esac

install "$@"

# These packages enable their services for the next boot.
for package in "$@"; do
	case $package in rabbitmq-server | postgresql | pgbouncer | prometheus | prometheus-alertmanager | prometheus-postgres-exporter)
		[ ! -d /run/systemd/system ] || systemctl disable --now "$package.service"
		;;
	esac
done
