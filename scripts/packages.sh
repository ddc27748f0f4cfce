#!/usr/bin/env bash
# packages.sh STEP...: the system packages that these steps of the set-up need (build, ffmpeg, fetch, bench, ptx).
# Looks for the thing itself, not for a package name; where nothing is missing it needs neither apt nor root.
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

missing=()
command_of() { have "$1" || missing+=("$2"); }
file_of() { [ -e "$1" ] || missing+=("$2"); }
library_of() { have pkg-config && pkg-config --exists "$1" || missing+=("$2"); }

# What every build links: the compilers, and the libraries that FFmpeg leaves to the system.
for_build() {
  command_of gcc gcc
  command_of g++ g++
  command_of make make
  command_of pkg-config pkg-config
  command_of git git
  file_of /usr/include/stdio.h libc6-dev
  file_of /etc/ssl/certs/ca-certificates.crt ca-certificates
  library_of zlib zlib1g-dev
  library_of gnutls libgnutls28-dev
  library_of dav1d libdav1d-dev
  library_of srt libsrt-gnutls-dev
}

# What only the making of FFmpeg needs.
for_ffmpeg() {
  command_of nasm nasm
  command_of xz xz-utils
  command_of curl curl
}

# What brings wheels from the package index.
for_fetch() {
  python3 -m pip --version >/dev/null 2>&1 || missing+=(python3-pip)
}

# What makes H.264 and HEVC clips to measure with; the private FFmpeg has no encoders for them.
for_bench() { command_of ffmpeg ffmpeg; }

# What compiles the kernels for a GPU.
for_ptx() { command_of clang++-14 clang-14; }

install_missing() {
  local root=() wanted="${missing[*]}"
  have apt-get || die "this machine lacks what Debian calls: $wanted
  It has no apt-get, so please install them its own way, then run make setup again."
  if [ "$(id -u)" != 0 ]; then
    have sudo || die "this machine lacks: $wanted
  Remedy, as root: apt-get install --no-install-recommends $wanted"
    root=(sudo)
    [ -t 0 ] || root=(sudo -n) # nobody is there to type a password
  fi
  say "installing with ${root[*]:+sudo and }apt-get: $wanted"
  "${root[@]}" apt-get -qq update || say "apt-get update had errors (above); trying with the lists that are there"
  "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 \
    install -y --no-install-recommends "${missing[@]}" </dev/null >"$log" 2>&1 ||
    { tail -15 "$log" >&2; die "apt-get could not install: $wanted"; }
}

for step; do "for_$step"; done
[ ${#missing[@]} -gt 0 ] || exit 0
log=$(mktemp)
trap 'rm -f "$log"' EXIT
install_missing
