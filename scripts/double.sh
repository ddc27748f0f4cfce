#!/usr/bin/env bash
# double.sh: builds the test double of NVIDIA's driver (engine/device/cuda/double) into the cache and prints its folder.
# Does nothing where that is already there.
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

sources=$ROOT/engine/device/cuda/double

# compile STAGE: every library of its own sources, all files at once.
compile() {
  local stage=$1 objects=$1.objects flags
  have g++ || die "no g++ here to build the test double of the driver with; run make setup"
  rm -rf "$objects"
  mkdir -p "$objects"
  mapfile -t flags < <(double_flags)
  (cd "$sources" && printf '%s\n' ./*/*.cc) | OBJECTS=$objects SOURCES=$sources xargs -P "$(nproc)" -I{} \
    bash -c 'o=$OBJECTS/${1#./}; mkdir -p "${o%/*}"; g++ "${@:2}" -c "$SOURCES/$1" -o "${o%.cc}.o"' build {} "${flags[@]}" ||
    die "the test double of the driver did not compile (above)"
  link "$stage/libcuda.so.1" "$objects"/driver/*.o "$objects"/ptx/*.o
  link "$stage/libnvcuvid.so.1" "$objects"/nvcuvid/*.o "$stage/libcuda.so.1"
  link "$stage/libnvidia-ml.so.1" "$objects"/nvml/*.o "$stage/libcuda.so.1"
  # A machine whose container lacks the video capability has no libnvcuvid.
  mkdir "$stage/cuda-only"
  ln -s ../libcuda.so.1 ../libnvidia-ml.so.1 "$stage/cuda-only/"
  rm -rf "$objects"
}

# link LIBRARY INPUT...
link() {
  local library=$1
  shift
  g++ -shared -Wl,-soname,"${library##*/}" -Wl,-z,defs -Wl,-rpath,'$ORIGIN' -o "$library" "$@" -lpthread -ldl
}

dir=$(double_dir)
once "$dir" compile
echo "$dir"
