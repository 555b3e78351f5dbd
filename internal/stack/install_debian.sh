# Installs the Debian packages that are its arguments, as root, without starting a service that comes with them.
set -eu
export DEBIAN_FRONTEND=noninteractive

# Packages ask policy-rc.d whether they may start their service; 101 is no.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
	trap 'rm -f "$policy"' EXIT
	trap 'exit 130' HUP INT TERM
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod 755 "$policy"
fi

apt-get update
apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=300 "$@"

# The package enables its service for the next boot.
for package in "$@"; do
	if [ "$package" = rabbitmq-server ] && [ -d /run/systemd/system ]; then
		systemctl disable --now rabbitmq-server.service
	fi
done
