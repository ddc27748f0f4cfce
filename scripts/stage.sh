#!/usr/bin/env bash
# stage.sh DIR: everything that bin/streamvet needs to run elsewhere on the same distribution, in one folder:
# the program, ONNX Runtime, FFmpeg's program for inject, the licences, and a list of the system's packages to install.
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
enter_env

dir=${1:?usage: stage.sh DIR}
ffmpeg=$(ffmpeg_prefix)
[ -x "$ROOT/bin/streamvet" ] || die "bin/streamvet is not there: run make build"
install -d "$dir/bin" "$dir/lib" "$dir/licenses/ffmpeg" "$dir/licenses/onnxruntime"
install "$ROOT/bin/streamvet" "$ffmpeg/bin/ffmpeg" "$ffmpeg/bin/ffprobe" "$dir/bin/"
# Its providers lie beside it, where there is a GPU, and NVIDIA's libraries, unless they are the system's.
find "${STREAMVET_ORT_LIB%/*}" -maxdepth 1 -name '*.so*' -exec install -m 644 {} "$dir/lib/" \;
install -m 644 "$ROOT/LICENSE" "$ROOT/THIRD_PARTY_NOTICES.md" "$dir/licenses/"
# FFmpeg is linked in under the LGPL: its licence and how it was built go along.
install -m 644 "$ffmpeg/COPYING.LGPLv2.1" "$ffmpeg/config.log" "$dir/licenses/ffmpeg/"
find "${STREAMVET_ORT_LIB%/*}" -maxdepth 1 \( -name 'LICENSE*' -o -name 'ThirdParty*' \) -exec install -m 644 {} "$dir/licenses/onnxruntime/" \;

# packages_of FILE...: which packages hold the shared libraries that these load.
packages_of() {
  ldd "$@" | awk '$2 == "=>" && $3 ~ "^/" { print $3 }' | sort -u | while read -r lib; do
    # Where /lib is a link to /usr/lib, the package may know the file under either name.
    dpkg -S "$(readlink -f "$lib")" 2>/dev/null || dpkg -S "$lib" 2>/dev/null || dpkg -S "${lib#/usr}"
  done | cut -d: -f1 | sort -u
}
{ packages_of "$dir"/bin/* "$dir"/lib/libonnxruntime.so*; echo ca-certificates; } >"$dir/packages.txt"
