#!/usr/bin/env bash
# Puts ONNX Runtime's CPU library into the cache: out of the Python wheel, else out of the npm package.
# Prints its folder. Does nothing where that is already there.
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

LIB=libonnxruntime.so.$ORT_VERSION

main() {
  local dir
  dir=$(ort_dir)
  [ "$(uname -m)" = x86_64 ] || die "ONNX Runtime is pinned for x86_64 only, and this machine is $(uname -m).
  Point STREAMVET_ORT_LIB at a libonnxruntime.so.$ORT_VERSION for it."
  once "$dir" fetch
  echo "$dir"
}

# fetch STAGE: STAGE ends with the library and its licence.
fetch() {
  local stage=$1 work=$1.work
  "$ROOT/scripts/packages.sh" fetch
  rm -rf "$work"
  mkdir -p "$work"
  say "fetching ONNX Runtime $ORT_VERSION"
  from_wheel "$work" "$stage" || from_npm "$work" "$stage" || die "no way to ONNX Runtime $ORT_VERSION.
  Neither pip (onnxruntime==$ORT_VERSION) nor npm (onnxruntime-node@$ORT_VERSION) could fetch it; what they said is above.
  Remedy: give this machine one of them and a registry it can reach, or set STREAMVET_ORT_LIB to a $LIB of your own."
  rm -rf "$work"
}

from_wheel() {
  local work=$1 stage=$2 wheel
  fetch_wheel "onnxruntime==$ORT_VERSION" "$ORT_WHEEL_SHA256" "$work" --python-version "$ORT_PYTHON" --platform manylinux_2_28_x86_64 || return
  wheel=$(echo "$work"/*.whl)
  python3 -m zipfile -e "$wheel" "$work/wheel" || return
  place "$work/wheel/onnxruntime/capi/$LIB" "$ORT_LIB_SHA256" "$work/wheel/onnxruntime" "$stage"
}

from_npm() {
  local work=$1 stage=$2 tgz
  have npm || { say "no npm here to try instead"; return 1; }
  (cd "$work" && npm pack --silent "onnxruntime-node@$ORT_VERSION" >/dev/null) || { say "npm could not fetch onnxruntime-node@$ORT_VERSION"; return 1; }
  tgz=$work/onnxruntime-node-$ORT_VERSION.tgz
  matches "$tgz" "$ORT_NPM_SHA256" || { say "the npm package is not the pinned one"; return 1; }
  tar -xf "$tgz" -C "$work" || return
  place "$work/package/bin/napi-v6/linux/x64/libonnxruntime.so.1" "$ORT_NPM_LIB_SHA256" "$work/package" "$stage"
}

# place FILE SHA256 DOCS STAGE
place() {
  local file=$1 sha=$2 docs=$3 stage=$4
  matches "$file" "$sha" || { say "the library in the package is not the pinned one"; return 1; }
  install -m 755 "$file" "$stage/$LIB"
  find "$docs" -maxdepth 1 \( -name 'LICENSE*' -o -name 'ThirdParty*' \) -exec cp {} "$stage/" \;
}

main "$@"
