#!/usr/bin/env bash
# gpu-stage.sh [--full] DIR: the programs and clips of the check of a GPU, in one folder, as scripts/gpu-run.sh wants them.
# With --full everything else too that a machine without Go, FFmpeg and a network needs: shared libraries, streamvet,
# small clips, licences. What links the system's libraries looks for them in ../lib first, so that another
# distribution will do, with a glibc that is not older.
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
enter_env
cd "$ROOT"

full=
if [ "${1:-}" = --full ]; then full=1 && shift; fi
dir=${1:?usage: gpu-stage.sh [--full] DIR}

version=$(git describe --tags --always --dirty 2>/dev/null || echo devel)
link="-X main.version=$version"
# An RPATH, which holds for libraries of libraries too; RUNPATH does not.
[ -z "$full" ] || link="-s -w $link -extldflags '-Wl,-rpath,\$ORIGIN/../lib -Wl,--disable-new-dtags'"

# clips FOLDER [FLAG]: kept from one run to the next; making them takes a minute.
clips() {
  local made
  made=$CACHE/gpu-$1-$(recipe "$(cat scripts/gpu-clips.sh)" "$("$ROOT/scripts/clip.sh")")
  once "$made" "make_$2"
  mkdir -p "$dir"
  rm -rf "${dir:?}/$1"
  cp -r "$made" "$dir/$1"
}
make_long() { "$ROOT/scripts/gpu-clips.sh" "$1"; }
make_quick() { "$ROOT/scripts/gpu-clips.sh" --quick "$1"; }

# needed FILE...: the shared libraries that these load, but for those that every system has.
needed() {
  ldd "$@" | awk '$2 == "=>" && $3 ~ "^/" { print $3 }' | sort -u |
    grep -vE '/(ld-linux-x86-64|libc|libm|libdl|librt|libpthread|libgcc_s|libstdc\+\+)\.so'
}

# newest_glibc FILE...: the newest version of glibc that these ask for.
newest_glibc() { objdump -T "$@" | grep -oE 'GLIBC_[0-9.]+' | sort -Vu | tail -1; }

say "building the check of a GPU in $dir"
mkdir -p "$dir/bin"
go build -ldflags "$link" -o "$dir/bin/bench" ./bench
go test -c -ldflags "${full:+-s -w}" -o "$dir/bin/cuda.test" ./engine/device/cuda
install "$ROOT/scripts/gpu-run.sh" "$dir/gpu-check.sh"
clips clips long
clips clips-quick quick
[ -n "$full" ] || exit 0

go build -ldflags "$link" -o "$dir/bin/streamvet" ./cmd/streamvet
rm -rf "${dir:?}/lib" "$dir/licenses"
mkdir -p "$dir/lib" "$dir/licenses"
libraries=$(needed "$dir"/bin/*) # the system's, as long as lib/ is empty
for lib in $libraries; do install -m 644 "$(readlink -f "$lib")" "$dir/lib/${lib##*/}"; done
ort=$("$ROOT/scripts/onnxruntime.sh" --gpu)
install -m 644 "$ort"/libonnxruntime.so.* "$ort"/libonnxruntime_providers_{cuda,shared}.so "$dir/lib/"
glibc=$(newest_glibc "$dir"/bin/* "$dir"/lib/*)

# The licences of all that: ours, FFmpeg's (with how it was built, as the LGPL wants it), ONNX Runtime's, and those
# of the packages that the shared libraries are of.
mkdir -p "$dir"/licenses/{ffmpeg,onnxruntime,system}
install -m 644 LICENSE THIRD_PARTY_NOTICES.md "$dir/licenses/"
install -m 644 "$(ffmpeg_prefix)/COPYING.LGPLv2.1" "$(ffmpeg_prefix)/config.log" "$dir/licenses/ffmpeg/"
find "$ort" -maxdepth 1 \( -name 'LICENSE*' -o -name 'ThirdParty*' \) -exec install -m 644 {} "$dir/licenses/onnxruntime/" \;
for lib in $libraries; do
  dpkg -S "$(readlink -f "$lib")" 2>/dev/null || dpkg -S "$lib" 2>/dev/null || dpkg -S "${lib#/usr}"
done | cut -d: -f1 | sort -u | while read -r package; do
  install -m 644 "/usr/share/doc/$package/copyright" "$dir/licenses/system/$package"
done
cat >"$dir/README" <<TEXT
streamvet $version: the check of an NVIDIA GPU (docs/gpu.md).

  ./gpu-check.sh           everything, in 8 minutes; results go to \$OUT, or results/
  ./gpu-check.sh --where   which libraries of NVIDIA's it finds, and where
  ./gpu-check.sh --quick   a minute: whether the check works at all

For x86-64 Linux with glibc ${glibc#GLIBC_} or later (Debian 12, Ubuntu 24.04), libstdc++ 6 and libgcc of GCC 12 or later, NVIDIA's
driver 580 or later with its decoder library (libnvcuvid), and the libraries of CUDA 13 and cuDNN 9.
Of ONNX Runtime it has the code for ${ARCH_NAME:-every GPU} alone.
The clips are made from Big Buck Bunny, (c) copyright 2008, Blender Foundation, www.bigbuckbunny.org, CC BY 3.0.
TEXT
