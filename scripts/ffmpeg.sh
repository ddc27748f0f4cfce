#!/usr/bin/env bash
# Builds the private FFmpeg into the cache: LGPL, with NVDEC, out of the system's way.
# Prints its prefix. Does nothing where that is already there.
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

SOURCES=$CACHE/sources
TAR=$SOURCES/ffmpeg-$FFMPEG_VERSION.tar.xz
NV_TAR=$SOURCES/nv-codec-headers-$NV_CODEC_HEADERS_VERSION.tar

main() {
  local prefix
  prefix=$(ffmpeg_prefix)
  once "$prefix" build
  echo "$prefix"
}

# build STAGE: STAGE ends as the whole prefix.
build() {
  local stage=$1 src=$1.src
  "$ROOT/scripts/packages.sh" ffmpeg
  rm -rf "$src"
  mkdir -p "$src" "$SOURCES"
  if fetch_ffmpeg && unpack "$TAR" "$src/ffmpeg" && fetch_headers "$src/nv"; then
    say "building FFmpeg $FFMPEG_VERSION: about 2 minutes on 2 cores (logs in $src)"
    compile "$src" "$stage" || die "FFmpeg did not build. The end of the log is above, all of it in $src.
  Remedy: check that gcc, make, nasm and the development files of zlib, GnuTLS, dav1d and SRT are installed; then make setup again."
  else
    adopt_system "$stage"
  fi
  rm -rf "$src"
}

# fetch_ffmpeg: the release itself, else the distribution's copy of it.
fetch_ffmpeg() {
  matches "$TAR" "$FFMPEG_SHA256" && return
  say "fetching FFmpeg $FFMPEG_VERSION"
  download "$FFMPEG_URL" "$TAR.part" && matches "$TAR.part" "$FFMPEG_SHA256" && mv "$TAR.part" "$TAR" && return
  rm -f "$TAR.part"
  "$ROOT/scripts/source-package.sh" ffmpeg "$FFMPEG_SHA256" "$TAR"
}

# fetch_headers DIR: the distribution's copy, else the project's own archive. That one's packing is not
# stable, so it is the headers themselves that are checked.
fetch_headers() {
  local dir=$1
  [ -f "$NV_TAR" ] && unpack_headers "$dir" && return
  say "fetching nv-codec-headers $NV_CODEC_HEADERS_VERSION"
  "$ROOT/scripts/source-package.sh" nv-codec-headers "$NV_CODEC_HEADERS_SHA256" "$NV_TAR" && unpack_headers "$dir" && return
  download "$NV_CODEC_HEADERS_URL" "$NV_TAR" && unpack_headers "$dir" && return
  rm -f "$NV_TAR"
  return 1
}

unpack_headers() {
  unpack "$NV_TAR" "$1" && [ "$(cat_headers "$1" | sha256sum)" = "$NV_CODEC_HEADERS_FILES_SHA256  -" ]
}
cat_headers() (LC_ALL=C && cat "$1"/include/ffnvcodec/*.h)

# unpack TARBALL DIR
unpack() { rm -rf "$2" && mkdir -p "$2" && tar -xf "$1" -C "$2" --strip-components=1; }

# download URL FILE
download() { have curl && curl -fsSL --connect-timeout 5 --max-time 300 -o "$2" "$1" 2>/dev/null; }

# compile SRC STAGE: configured for the place where it will lie, installed through a DESTDIR.
compile() {
  local src=$1 stage=$2 prefix=${2%.partial} options
  mapfile -t options < <(ffmpeg_options)
  make -s -C "$src/nv" PREFIX="$src/nv-installed" install >"$src/nv.log" && mkdir "$src/build" || return
  (
    cd "$src/build" &&
      PKG_CONFIG_PATH=$src/nv-installed/lib/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH} \
        ../ffmpeg/configure --prefix="$prefix" "${options[@]}" &&
      make -j"$(nproc)" && make install DESTDIR="$src/root"
  ) >"$src/build.log" 2>&1 </dev/null || { tail -30 "$src/build.log" >&2; return 1; }
  grep -q '^License: LGPL' "$src/build.log" || { say "configure says that this build is not LGPL"; return 1; }
  grep -q h264_nvdec "$src/build.log" || { say "configure left NVDEC out"; return 1; }
  cp -a "$src/root$prefix/." "$stage/" && cp "$src/ffmpeg/COPYING.LGPLv2.1" "$src/build/ffbuild/config.log" "$stage/"
}

# adopt_system STAGE: no source to be had; a system that has the same libraries will do.
adopt_system() {
  local stage=$1 lib version
  version=$(pkg-config --modversion libavcodec 2>/dev/null || true)
  [ "${version%%.*}" = "$FFMPEG_AVCODEC_MAJOR" ] && have ffmpeg && have ffprobe || die "no way to FFmpeg $FFMPEG_VERSION.
  Neither $FFMPEG_URL nor the source package through this machine's apt mirror could be fetched
  (what they said is above), and this system has no FFmpeg 7.1 with development files (libavcodec: ${version:-none}).
  Remedy: let this machine reach one of them, or install FFmpeg 7.1 with its development files, or put these two files there by hand:
    $TAR (sha256 $FFMPEG_SHA256)
    $NV_TAR"
  say "no source to be had: using this system's FFmpeg, libavcodec $version"
  mkdir -p "$stage/bin" "$stage/lib/pkgconfig"
  for lib in avcodec avdevice avfilter avformat avutil swresample swscale; do
    pkg-config --exists "lib$lib" || die "this system's FFmpeg has no development files for lib$lib; install them, then make setup again"
    ln -s "$(pkg-config --variable=pcfiledir "lib$lib")/lib$lib.pc" "$stage/lib/pkgconfig/"
  done
  ln -s "$(command -v ffmpeg)" "$(command -v ffprobe)" "$stage/bin/"
}

main "$@"
