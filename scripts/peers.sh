#!/usr/bin/env bash
# peers.sh [--check]: the programs that server/livetest plays live sources with, from Debian's packages: FFmpeg,
# GStreamer's RTSP server, nginx with its RTMP module, SRT's tools. --check tells by its status whether all are there.
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

missing=()
have ffmpeg || missing+=(ffmpeg)
have srt-live-transmit || missing+=(srt-tools)
nginx=
[ -x /usr/sbin/nginx ] || { nginx=1; missing+=(nginx-light); }
[ -e /usr/lib/nginx/modules/ngx_rtmp_module.so ] || missing+=(libnginx-mod-rtmp)
/usr/bin/python3 "$ROOT/server/livetest/testdata/rtsp.py" --check 2>/dev/null ||
  missing+=(python3-gst-1.0 gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-good)

[ ${#missing[@]} -gt 0 ] || exit 0
[ "${1:-}" != --check ] || die "live sources cannot be tested without: ${missing[*]} (scripts/peers.sh installs them)"

root=()
[ "$(id -u)" = 0 ] || root=(sudo -n)
have apt-get || die "this machine lacks what Debian calls: ${missing[*]}; it has no apt-get, so please install them its own way"
say "installing with ${root[*]:+sudo and }apt-get: ${missing[*]}"
"${root[@]}" apt-get -qq update || say "apt-get update had errors (above); trying with the lists that are there"
"${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 \
  install -y --no-install-recommends "${missing[@]}" </dev/null >/dev/null ||
  die "apt-get could not install: ${missing[*]}"
# Its package has started it; the tests start their own.
[ -z "$nginx" ] || ! have systemctl || "${root[@]}" systemctl disable -q --now nginx 2>/dev/null || true
