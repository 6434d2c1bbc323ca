#!/usr/bin/env bash
# Makes the fleet of this folder into a repository with a history: six people, two kinds of keys, a forge, and one lie.
#   repository.sh DIR     writes DIR/fleet (the repository), DIR/keys.asc, DIR/allowed_signers, DIR/forge.asc and
#                         DIR/kubewitness.yaml, which names them all
# Dates are fixed; keys are made anew and thrown away, so commit ids differ from run to run.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
target=$1
mkdir -p "$target"
target=$(cd "$target" && pwd)
work=$(mktemp -d)
export GNUPGHOME=$work/gnupg
trap 'gpgconf --kill all 2>/dev/null || true; rm -rf "$work"' EXIT
mkdir -m 700 "$GNUPGHOME"
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 HOME=$work

openpgp_key() {
  gpg --quiet --batch --passphrase '' --faked-system-time "20260101T000000!" --quick-generate-key "$1" ed25519 sign never 2>/dev/null
}
openpgp_key "Alice Chen <alice@example.com>"
openpgp_key "Erin Frost <erin@elsewhere.example>"
openpgp_key "Example Forge <noreply@forge.example.com>"
ssh-keygen -q -t ed25519 -N '' -C bob -f "$work/bob"
gpg --quiet --armor --export alice@example.com >"$target/keys.asc"
gpg --quiet --armor --export noreply@forge.example.com >"$target/forge.asc"
printf 'bob@example.com namespaces="git" %s\n' "$(cut -d' ' -f1,2 "$work/bob.pub")" >"$target/allowed_signers"

# gpg takes the time of the commit, as if it had been signed then.
cat >"$work/gpg-then" <<'WRAPPER'
#!/bin/sh
exec gpg --quiet --no-tty --faked-system-time "$(date -u -d "$GIT_COMMITTER_DATE" +%Y%m%dT%H%M%S)!" "$@"
WRAPPER
chmod +x "$work/gpg-then"

git init --quiet --initial-branch main "$target/fleet"
cd "$target/fleet"

# commit DATE AUTHOR COMMITTER SIGNATURE SUBJECT
commit() {
  local signing=(-c commit.gpgsign=true)
  case $4 in
    none) signing=(-c commit.gpgsign=false) ;;
    ssh) signing+=(-c gpg.format=ssh -c "user.signingkey=$work/bob") ;;
    *) signing+=(-c "user.signingkey=$4") ;;
  esac
  git add -A
  GIT_AUTHOR_DATE=$1 GIT_COMMITTER_DATE=$1 \
    GIT_AUTHOR_NAME=${2% <*} GIT_AUTHOR_EMAIL=$(sed 's/.*<\(.*\)>/\1/' <<<"$2") \
    GIT_COMMITTER_NAME=${3% <*} GIT_COMMITTER_EMAIL=$(sed 's/.*<\(.*\)>/\1/' <<<"$3") \
    git -c "gpg.program=$work/gpg-then" "${signing[@]}" commit --quiet --message "$5" 2>/dev/null
}
alice="Alice Chen <alice@example.com>"
bob="Bob Ito <bob@example.com>"
carol="Carol Diaz <carol@example.com>"
erin="Erin Frost <erin@elsewhere.example>"
forge="Example Forge <noreply@forge.example.com>"

cp -r "$here/prod" prod
sed -i 's|shop/web:1.4|shop/web:1.3|; s|replicas: 3|replicas: 2|' prod/shop/web.yaml
sed -i 's|pool = 10|pool = 5|' prod/shop/settings.yaml
sed -i 's|max_connections = 200|max_connections = 100|' prod/data/db.yaml
sed -i 's|ops/report:3|ops/report:2|' prod/ops/jobs.yaml
commit 2026-09-01T09:00:00Z "$alice" "$alice" alice@example.com "The fleet moves into Git"
cp "$here/prod/ops/jobs.yaml" prod/ops/jobs.yaml
commit 2026-09-14T15:20:00Z "$erin" "$erin" erin@elsewhere.example "Report 3"
sed -i 's|replicas: 2|replicas: 3|' prod/shop/web.yaml
commit 2026-10-02T10:30:00Z "$bob" "$bob" ssh "Three web pods"
cp "$here/prod/shop/settings.yaml" prod/shop/settings.yaml
commit 2026-10-20T17:45:00Z "$carol" "$carol" none "More database connections for the shop"
cp "$here/prod/shop/web.yaml" prod/shop/web.yaml
commit 2026-11-09T08:12:00Z "$carol" "$forge" noreply@forge.example.com "Web 1.4 (#17)"
cp "$here/prod/data/db.yaml" prod/data/db.yaml
commit 2026-11-12T23:58:00Z "$alice" "$alice" ssh "Twice the connections"
diff -r prod "$here/prod"

cat >"$target/kubewitness.yaml" <<CONFIG
sources:
  - name: fleet
    url: fleet
    path: prod
keys:
  openpgp: [keys.asc]
  ssh: [allowed_signers]
  forges:
    - { name: forge.example.com, openpgp: forge.asc, committer: noreply@forge.example.com }
undeclared: { namespaces: [shop] }
CONFIG
