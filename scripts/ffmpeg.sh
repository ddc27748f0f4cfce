#!/usr/bin/env bash
# Builds the private FFmpeg into the cache: LGPL, with NVDEC, out of the system's way.
# Prints its prefix. Does nothing where that is already there.
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

main() {
  local prefix
  prefix=$(ffmpeg_prefix)
  once "$prefix" build
  echo "$prefix"
}

# build STAGE: STAGE ends as the whole prefix.
build() {
  local stage=$1 src=$1.src
  rm -rf "$src"
  mkdir -p "$src"
  if ! fetch "$src"; then
    adopt_system "$stage"
    return
  fi
  "$ROOT/scripts/packages.sh" ffmpeg
  say "building FFmpeg $FFMPEG_VERSION (about 2 minutes on 2 cores; log in $src)"
  compile "$src" "$stage" || die "FFmpeg did not build; the end of the log is above, the whole lies in $src.
  Check that gcc, make, nasm and the development files of zlib, GnuTLS, dav1d and SRT are installed, then run make setup again."
  rm -rf "$src"
}

# fetch DIR: unpacks both sources into DIR.
fetch() {
  local dir=$1 tar=ffmpeg-$FFMPEG_VERSION.tar.xz nv=nv-codec-headers-$NV_CODEC_HEADERS_VERSION.tar.xz
  mkdir -p "$CACHE/sources"
  fetch_tarball "$tar" "$FFMPEG_SHA256" "$FFMPEG_URL" ffmpeg &&
    fetch_tarball "$nv" "$NV_CODEC_HEADERS_SHA256" "" nv-codec-headers || return
  tar -xf "$CACHE/sources/$tar" -C "$dir" --one-top-level=ffmpeg --strip-components=1
  tar -xf "$CACHE/sources/$nv" -C "$dir" --one-top-level=nv --strip-components=1
}

# fetch_tarball NAME SHA256 URL PACKAGE: the release itself, else the source package's copy of it.
fetch_tarball() {
  local name=$1 sha=$2 url=$3 package=$4 file=$CACHE/sources/$1
  matches "$file" "$sha" && return
  say "fetching $name"
  if [ -n "$url" ] && have curl &&
    curl -fsSL --connect-timeout 5 --max-time 180 -o "$file.part" "$url" 2>/dev/null &&
    matches "$file.part" "$sha"; then
    mv "$file.part" "$file"
    return
  fi
  rm -f "$file.part"
  "$ROOT/scripts/source-package.sh" "$package" "$sha" "$file"
}

compile() {
  local src=$1 stage=$2 prefix=${2%.partial} options
  mapfile -t options < <(ffmpeg_options)
  make -s -C "$src/nv" PREFIX="$src/nv-installed" install >"$src/nv.log" || return
  mkdir -p "$src/build"
  cd "$src/build" || return
  PKG_CONFIG_PATH=$src/nv-installed/lib/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH} \
    ../ffmpeg/configure --prefix="$prefix" "${options[@]}" >"$src/configure.log" 2>&1 || { tail -15 "$src/configure.log" >&2; return 1; }
  grep -q h264_nvdec "$src/configure.log" || { say "configure left NVDEC out"; return 1; }
  grep -q '^License: LGPL' "$src/configure.log" || { say "configure says that this build is not LGPL"; return 1; }
  make -j"$(nproc)" >"$src/make.log" 2>&1 || { tail -30 "$src/make.log" >&2; return 1; }
  make install DESTDIR="$src/root" >>"$src/make.log" 2>&1 || { tail -30 "$src/make.log" >&2; return 1; }
  cp -a "$src/root$prefix/." "$stage/"
  cp "$src/ffmpeg/COPYING.LGPLv2.1" "$src/configure.log" "$stage/"
  cd "$ROOT" || return
}

# adopt_system STAGE: no source to be had; a system that has the same libraries will do.
adopt_system() {
  local stage=$1 lib version
  version=$(pkg-config --modversion libavcodec 2>/dev/null || true)
  [ "${version%%.*}" = "$FFMPEG_AVCODEC_MAJOR" ] && have ffmpeg || die "no way to FFmpeg $FFMPEG_VERSION.
  Neither $FFMPEG_URL nor the '$SOURCE_SUITE' source package through this machine's apt mirror could be fetched, and pkg-config
  finds no libavcodec $FFMPEG_AVCODEC_MAJOR (it says '${version:-none}').
  Remedy: put the release tarball (sha256 $FFMPEG_SHA256)
  at $CACHE/sources/ffmpeg-$FFMPEG_VERSION.tar.xz and nv-codec-headers-$NV_CODEC_HEADERS_VERSION.tar.xz beside it,
  or install FFmpeg 7.1 with its development files."
  say "no source to be had: using the FFmpeg $version libraries of this system"
  mkdir -p "$stage/bin" "$stage/lib/pkgconfig"
  for lib in avcodec avdevice avfilter avformat avutil swresample swscale; do
    pkg-config --exists "lib$lib" || die "this system's FFmpeg has no development files for lib$lib; install them and run make setup again"
    ln -s "$(pkg-config --variable=pcfiledir "lib$lib")/lib$lib.pc" "$stage/lib/pkgconfig/"
  done
  ln -s "$(command -v ffmpeg)" "$(command -v ffprobe)" "$stage/bin/"
}

main "$@"
