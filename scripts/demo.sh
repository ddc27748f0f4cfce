#!/usr/bin/env bash
# The whole of it on one clip: puts defects in, looks for them, and prints what was injected beside what was found.
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
enter_env

out=$ROOT/build/demo
streamvet=$ROOT/bin/streamvet
rm -rf "$out"
mkdir -p "$out"

# Four rounds of the clip give the defects room; stereo, since that is what most sources carry.
clip=$("$ROOT/scripts/clip.sh")
"$STREAMVET_FFMPEG" -v error -stream_loop 3 -i "$clip" -c:v copy -t 20 -ac 2 -c:a flac "$out/clip.mkv"

say "putting defects into $(basename "$(dirname "$clip")")"
"$streamvet" inject "$out/clip.mkv" -o "$out/broken.mkv" --truth "$out/truth.json" \
  --defect black@2-3.2 --defect freeze@5.5-7.5 --defect blur:sigma=6@9-10.5 --defect noise@12-13.5 \
  --defect silence@15-17 --defect clipping@18-19

code=0
"$streamvet" vet --truth "$out/truth.json" --report "$out/report.html" "$out/broken.mkv" || code=$?
[ "$code" = 1 ] || die "vet should have found defects (exit code 1), and ended with $code"
say "the report: $out/report.html"
