#!/usr/bin/env bash
# gpu-clips.sh [--quick] DIR: the clips that the check of a GPU plays, made from the demo clip by an ffmpeg on the
# PATH that has x264, x265, libvpx and an encoder of AV1. With --quick small ones, to see that the check works.
#   DIR/codecs  seconds of each codec that NVDEC may know, and one with defects
#   DIR/load    a minute of H.264 and HEVC, and some seconds of HEVC of 10 bits
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
enter_env

quick=
if [ "${1:-}" = --quick ]; then quick=1 && shift; fi
dir=${1:?usage: gpu-clips.sh [--quick] DIR}
"$ROOT/scripts/packages.sh" bench
demo=$("$ROOT/scripts/clip.sh")

# Seconds of a clip of a codec, of the one with defects, and of one round of those for load; how often that comes; size
# and bit rate.
if [ -n "$quick" ]; then
  seconds=0.8 spoilt=0.8 round=2 rounds=2 size=256:144 rate=300k
else
  seconds=3 spoilt=6 round=6 rounds=10 size=1920:1080 rate=5M
fi

encode() { ffmpeg -nostdin -v error -y "$@"; }

# Natural pictures at 30 a second; sound that is not silent.
source_of() { # source_of SECONDS [FILTER...]
  local seconds=$1 filters
  shift
  filters=$(IFS=, && echo "$*")
  printf '%s\n' -stream_loop -1 -i "$demo" -t "$seconds" -vf "scale=$size:flags=bicubic${filters:+,$filters},setpts=N/30/TB" -r 30
}
picture() { # picture FILE ENCODER_OPTION...: a clip of a codec, without sound
  local file=$1
  shift
  mapfile -t from < <(source_of "$seconds")
  encode "${from[@]}" -an "$@" "$dir/codecs/$file"
}
load() { # load ROUNDS FILE ENCODER_OPTION...: one round, then that again and again without encoding it
  local rounds=$1 file=$2
  shift 2
  mapfile -t from < <(source_of "$round")
  encode "${from[@]}" "$@" -g 60 -c:a aac -b:a 128k -ac 2 "$dir/round.mp4"
  encode -stream_loop $((rounds - 1)) -i "$dir/round.mp4" -c copy -movflags +faststart "$dir/load/$file"
  rm "$dir/round.mp4"
}

av1_encoder() {
  if ffmpeg -hide_banner -v error -h encoder=libsvtav1 | grep -q SVT; then
    printf '%s\n' -c:v libsvtav1 -preset 10
  else
    printf '%s\n' -c:v libaom-av1 -cpu-used 8 -row-mt 1
  fi
}

export SVT_LOG=1 # errors alone
rm -rf "$dir"
mkdir -p "$dir/codecs" "$dir/load"
x264=(-c:v libx264 -preset veryfast -b:v "$rate" -pix_fmt yuv420p)
x265=(-c:v libx265 -preset superfast -bf 3 -b:v "$rate" -tag:v hvc1 -x265-params log-level=error)
mapfile -t av1 < <(av1_encoder)
say "making clips for the check of a GPU in $dir"
picture h264.mp4 "${x264[@]}"
picture h264-high10.mp4 -c:v libx264 -preset veryfast -b:v "$rate" -pix_fmt yuv420p10le # NVDEC refuses it before Blackwell
picture hevc.mp4 "${x265[@]}" -pix_fmt yuv420p
picture hevc10.mp4 "${x265[@]}" -pix_fmt yuv420p10le
picture vp9.webm -c:v libvpx-vp9 -deadline realtime -cpu-used 8 -row-mt 1 -b:v "$rate" -pix_fmt yuv420p
picture vp9-10.webm -c:v libvpx-vp9 -profile:v 2 -deadline realtime -cpu-used 8 -row-mt 1 -b:v "$rate" -pix_fmt yuv420p10le
picture av1.mp4 "${av1[@]}" -b:v "$rate" -pix_fmt yuv420p
picture av1-10.mp4 "${av1[@]}" -b:v "$rate" -pix_fmt yuv420p10le
picture mpeg2.ts -c:v mpeg2video -b:v "$rate" -maxrate "$rate" -bufsize 4M -bf 2 -pix_fmt yuv420p
load "$rounds" h264.mp4 "${x264[@]}"
load "$rounds" hevc.mp4 "${x265[@]}" -pix_fmt yuv420p
load 1 hevc10.mp4 "${x265[@]}" -pix_fmt yuv420p10le

# What there is to be found: black, then a picture that stands still, then noise, and silence.
frame() { awk -v t="$1" -v s="$spoilt" 'BEGIN { print int(30 * t * s) }'; }
mapfile -t from < <(source_of "$spoilt" "drawbox=c=black:t=fill:enable='lt(n,$(frame 0.3))'" \
  "loop=loop=$(frame 0.2):size=1:start=$(frame 0.5)" "noise=alls=40:allf=t:enable='gt(n,$(frame 0.8))'")
encode "${from[@]}" "${x264[@]}" -maxrate "$rate" -bufsize "$rate" -c:a aac -ac 2 -af "volume=0:enable='gt(t,0.4*$spoilt)'" "$dir/codecs/h264-defects.ts"
