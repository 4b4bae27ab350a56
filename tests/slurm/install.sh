#!/usr/bin/env bash
# Install Debian's Slurm and munge, where they are missing; as root. Their services are not started.
set -euo pipefail
missing=0
for name in $(< "$(dirname "$0")/programs"); do
  PATH=$PATH:/usr/sbin:/sbin command -v "$name" > /dev/null || missing=1
done
if [ "$missing" = 0 ]; then exit; fi
if [ "$(id -u)" != 0 ] || [ ! -e /etc/debian_version ]; then
  echo "make test-slurm installs slurm-wlm and munge as root on Debian; here it cannot" >&2
  exit 1
fi
# Debian asks this before it starts a service that it has just installed.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' > "$policy"
  chmod +x "$policy"
fi
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends slurm-wlm munge > /dev/null
