#!/usr/bin/env bash
# source-package.sh PACKAGE SHA256 FILE: the upstream tarball out of a distribution's source package, with apt, through
# the mirror that this machine itself is set up with. The machine's own lists and settings stay as they are.
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

package=$1 sha=$2 file=$3
keyrings=/usr/share/keyrings
have apt-get || { say "no apt here to fetch the source package $package with"; exit 1; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
mkdir -p "$work"/{lists/partial,cache/archives/partial,parts,download}

# quiet_apt COMMAND...: apt with lists and a cache of its own.
quiet_apt() {
  local tool=$1
  shift
  "$tool" -qq -oDir::State::lists="$work/lists" -oDir::Cache="$work/cache" -oAPT::Sandbox::User="$(id -un)" \
    -oAcquire::http::Timeout=20 -oAcquire::https::Timeout=20 -oAcquire::Retries=2 "$@"
}
private_apt() {
  local tool=$1
  shift
  quiet_apt "$tool" -oDir::Etc::sourcelist="$work/sources.list" -oDir::Etc::sourceparts="$work/parts" "$@"
}

# mirrors: one line for each archive that apt uses here: URI, origin, codename.
# Container images come without lists, and without lists apt does not tell; then a private copy of them is fetched.
mirrors() {
  local format='$(REPO_URI) $(ORIGIN) $(CODENAME)'
  apt-get indextargets --format "$format" 'Created-By: Packages' | grep . && return
  quiet_apt apt-get update && quiet_apt apt-get indextargets --format "$format" 'Created-By: Packages'
}

# source_lines TRUST: Debian's pinned suite (its security updates may live on a mirror of their own), or Ubuntu's own.
source_lines() {
  local uri origin codename
  sort -u "$work/mirrors" | while read -r uri origin codename; do
    case $origin:$codename in
    Debian:*-updates | Debian:*-backports* | Ubuntu:*-*) ;;
    Debian:*-security) echo "deb-src [$1] $uri $SOURCE_SUITE-security main" ;;
    Debian:*) echo "deb-src [$1] $uri $SOURCE_SUITE main" ;;
    Ubuntu:*) echo "deb-src [${1/debian/ubuntu}] $uri $codename main universe" ;;
    esac
  done | sort -u
}

# version: the source package's version whose upstream tarball is the pinned one.
version() {
  private_apt apt-cache showsrc --only-source "$package" |
    awk -v sha="$sha" '/^Version:/ { version = $2 } $1 == sha && !found { print version; found = 1 }'
}

# get TRUST: whatever vouches for the mirror, the pinned hash has the last word.
get() {
  local v tar
  source_lines "$1" >"$work/sources.list"
  [ -s "$work/sources.list" ] || { say "this machine's apt knows no Debian or Ubuntu mirror to ask for $package"; return 1; }
  private_apt apt-get update || return
  v=$(version) && [ -n "$v" ] || { say "the mirror has no $package with the pinned tarball"; return 1; }
  (cd "$work/download" && private_apt apt-get source --download-only --tar-only "$package=$v") || return
  for tar in "$work"/download/*.orig.tar.*; do
    matches "$tar" "$sha" && mv "$tar" "$file" && return
  done
  say "what the mirror sent for $package $v is not the pinned tarball"
  return 1
}

{
  mirrors >"$work/mirrors"
  # An old or missing keyring cannot check the suite's signature; the hash still can.
  get "signed-by=$keyrings/debian-archive-keyring.gpg" || get trusted=yes
} 2>"$work/log" || { sed 's/^/  /' "$work/log" >&2; exit 1; }
