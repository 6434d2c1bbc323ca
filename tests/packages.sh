#!/usr/bin/env bash
# Installs the Debian packages that are missing: the headers of GnuPG's library, and the programs that make and check
# signatures in tests. Where nothing is missing nothing is done; sudo is used only by who is not root.
#   packages.sh            what building, make demo and make check need
#   packages.sh servers    what make test needs beside it: an sshd, and Redis, which Argo CD keeps its cache in
set -euo pipefail
wanted=()
command -v pkg-config >/dev/null || wanted+=(pkg-config)
{ command -v pkg-config >/dev/null && pkg-config --exists gpgme; } || wanted+=(libgpgme-dev)
{ command -v gpg >/dev/null && command -v gpgconf >/dev/null && command -v gpg-agent >/dev/null; } || wanted+=(gnupg)
command -v gpgsm >/dev/null || wanted+=(gpgsm)
command -v openssl >/dev/null || wanted+=(openssl)
command -v ssh-keygen >/dev/null || wanted+=(openssh-client)
if [ "${1:-}" = servers ]; then
  PATH=$PATH:/usr/sbin:/sbin command -v sshd >/dev/null || wanted+=(openssh-server)
  command -v redis-server >/dev/null || wanted+=(redis-server)
fi
[ ${#wanted[@]} -gt 0 ] || exit 0

if ! command -v apt-get >/dev/null; then
  echo "missing: ${wanted[*]} (Debian's names); there is no apt-get here, install them by hand" >&2
  exit 1
fi
echo "installing ${wanted[*]}" >&2
as_root=()
[ "$(id -u)" = 0 ] || as_root=(sudo)
"${as_root[@]}" apt-get update -qq

# The tests want the programs sshd and redis-server. A service that starts by itself is nothing this machine asked for.
policy=/usr/sbin/policy-rc.d
if [[ " ${wanted[*]} " == *"-server "* ]]; then
  if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee $policy >/dev/null
    "${as_root[@]}" chmod 755 $policy
    trap '"${as_root[@]}" rm -f $policy' EXIT
  fi
fi
DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -qq -y --no-install-recommends "${wanted[@]}"
if [[ " ${wanted[*]} " == *" openssh-server "* ]] && command -v systemctl >/dev/null; then
  "${as_root[@]}" systemctl disable --quiet ssh.service ssh.socket || true
fi
if [[ " ${wanted[*]} " == *" redis-server "* ]] && command -v systemctl >/dev/null; then
  "${as_root[@]}" systemctl disable --quiet redis-server.service || true
fi
