#!/usr/bin/env bash
# The whole of it on one clip: puts defects in, looks for them, and prints what was injected beside what was found.
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
enter_env

out=$ROOT/build/demo
streamvet=$ROOT/bin/streamvet
rm -rf "$out"
mkdir -p "$out"

# Four rounds of the clip give the defects room. Its sound is made stereo, as in most sources.
clip=$("$ROOT/scripts/clip.sh")
seconds=5.28 samples=253440
"$STREAMVET_FFMPEG" -v error -an -stream_loop 3 -t 20 -i "$clip" -vn -i "$clip" -map 0:v -map '[sound]' -filter_complex \
  "[1:a]aformat=channel_layouts=stereo:sample_rates=48000,atrim=end=$seconds,aloop=loop=3:size=${samples}[sound]" \
  -c:v copy -c:a flac -t 20 "$out/clip.mkv"

say "putting defects into ${clip##*/}"
"$streamvet" inject "$out/clip.mkv" -o "$out/broken.ts" --truth "$out/truth.json" \
  --defect black@2-3.2 --defect clipping:gain=36@3.2-4.6 --defect freeze@5.5-7.5 --defect blur:sigma=6@9-10 \
  --defect noise@11.5-13 --defect silence@13.8-15 --defect packet_loss:rate=0.03@16-17.5 --defect click@18.6

code=0
"$streamvet" vet --truth "$out/truth.json" --report "$out/report.html" "$out/broken.ts" || code=$?
[ "$code" = 1 ] || die "vet should have found defects (exit code 1), and ended with $code"
say "the report: $out/report.html"
