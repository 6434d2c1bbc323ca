#!/usr/bin/env bash
# Installs the Debian packages that are missing: the headers of GnuPG's library, and the programs that make and check
# signatures in tests. Where nothing is missing nothing is done; sudo is used only by who is not root.
set -euo pipefail
wanted=()
command -v pkg-config >/dev/null || wanted+=(pkg-config)
{ command -v pkg-config >/dev/null && pkg-config --exists gpgme; } || wanted+=(libgpgme-dev)
{ command -v gpg >/dev/null && command -v gpgconf >/dev/null && command -v gpg-agent >/dev/null; } || wanted+=(gnupg)
command -v ssh-keygen >/dev/null || wanted+=(openssh-client)
[ ${#wanted[@]} -gt 0 ] || exit 0

if ! command -v apt-get >/dev/null; then
  echo "missing: ${wanted[*]} (Debian's names); there is no apt-get here, install them by hand" >&2
  exit 1
fi
echo "installing ${wanted[*]}" >&2
as_root=()
[ "$(id -u)" = 0 ] || as_root=(sudo)
"${as_root[@]}" apt-get update -qq
DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -qq -y --no-install-recommends "${wanted[@]}"
