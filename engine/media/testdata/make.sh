#!/usr/bin/env bash
# Makes the clips in this folder: those that the private FFmpeg cannot encode. It
# needs an ffmpeg on PATH with libx264, libx265, libvpx, libsvtav1 and libmp3lame
# (the package of Debian or Ubuntu has them all). The tests need only the clips.
set -euo pipefail
cd "$(dirname "$0")"

picture=(-f lavfi -i "testsrc2=size=160x90:rate=25:duration=1")
sound=(-f lavfi -i "sine=frequency=440:sample_rate=48000:duration=1")
exact=(-map_metadata -1 -fflags +bitexact -flags:v +bitexact -flags:a +bitexact)
x264=(-c:v libx264 -preset slow -crf 32 -g 12 -bf 2)
x265=(-c:v libx265 -crf 32 -x265-params "log-level=error:keyint=12:bframes=2")

make() { # OUT ARGS...
  local out=$1
  shift
  ffmpeg -v error -y "$@" "${exact[@]}" "$out"
}

make h264.mp4 "${picture[@]}" "${sound[@]}" "${x264[@]}" -c:a aac -b:a 48k -ac 2 -shortest
make h264.ts "${picture[@]}" "${sound[@]}" "${x264[@]}" -c:a aac -b:a 48k -shortest
make h264-10.mkv "${picture[@]}" "${x264[@]}" -pix_fmt yuv420p10le
make h264-422-10.mkv "${picture[@]}" "${x264[@]}" -pix_fmt yuv422p10le
make h264-444.mkv "${picture[@]}" "${x264[@]}" -pix_fmt yuv444p
make h264-gray.mkv "${picture[@]}" "${x264[@]}" -pix_fmt gray
make h264-full.mkv "${picture[@]}" "${x264[@]}" -vf scale=out_range=full:out_color_matrix=bt709 -color_range pc -colorspace bt709
make h264-interlaced.ts -f lavfi -i "testsrc2=size=160x96:rate=25:duration=1" "${x264[@]}" -flags +ildct+ilme -x264-params tff=1
make h264-crop.ts "${picture[@]}" "${x264[@]}" -bsf:v h264_metadata=crop_left=24:crop_top=6:crop_right=8:crop_bottom=10
make h264-rotated.mp4 "${picture[@]}" "${x264[@]}"
ffmpeg -v error -y -display_rotation:v 270 -i h264-rotated.mp4 -c copy "${exact[@]}" turned.mp4 2>/dev/null ||
  ffmpeg -v error -y -i h264-rotated.mp4 -c copy -metadata:s:v rotate=90 -fflags +bitexact turned.mp4
mv turned.mp4 h264-rotated.mp4
# chain OUT ARGS... -- ARGS... -- ARGS...: three parts of 0.4 s, one behind the other in one track.
chain() {
  local out=$1 part=0 args
  shift
  : >"$out"
  while [ $# -gt 0 ]; do
    args=()
    while [ $# -gt 0 ] && [ "$1" != -- ]; do args+=("$1") && shift; done
    [ $# -eq 0 ] || shift
    make part.ts "${args[@]}" -frames:v 10 -output_ts_offset "0.$((part * 4))"
    cat part.ts >>"$out"
    part=$((part + 1))
  done
  rm part.ts
}
small=("${picture[@]}" "${x264[@]}")
large=(-f lavfi -i "testsrc2=size=320x180:rate=25:duration=1" "${x264[@]}")
chain h264-sizes.ts "${large[@]}" -- "${small[@]}" -- "${large[@]}"
chain h264-depths.ts "${small[@]}" -- "${small[@]}" -pix_fmt yuv420p10le -- "${small[@]}"
make hevc.mp4 "${picture[@]}" "${sound[@]}" "${x265[@]}" -c:a aac -b:a 48k -shortest
make hevc.ts "${picture[@]}" "${x265[@]}"
make hevc-10.mkv "${picture[@]}" "${x265[@]}" -pix_fmt yuv420p10le
make hevc-422-10.mkv "${picture[@]}" "${x265[@]}" -pix_fmt yuv422p10le
make hevc-444-12.mkv "${picture[@]}" "${x265[@]}" -pix_fmt yuv444p12le
make vp8.webm "${picture[@]}" "${sound[@]}" -c:v libvpx -b:v 100k -c:a libvorbis -shortest
make vp9.webm "${picture[@]}" "${sound[@]}" -c:v libvpx-vp9 -b:v 100k -c:a libopus -b:a 48k -shortest
make vp9-10.webm "${picture[@]}" -c:v libvpx-vp9 -b:v 100k -pix_fmt yuv420p10le
make av1.mp4 "${picture[@]}" -c:v libsvtav1 -crf 45 -g 12 2>/dev/null
make av1-10.mkv "${picture[@]}" -c:v libsvtav1 -crf 45 -g 12 -pix_fmt yuv420p10le 2>/dev/null
make sound.mp3 "${sound[@]}" -c:a libmp3lame -b:a 48k
