#!/usr/bin/env bash
# avpatterns.sh OUT [CLIP [CLIP]]: clips of 24 s in OUT whose pictures flash when their sound beeps, for measuring
# av_desync (docs/eval.md). The first CLIP flashes every second, the second now and then; both keep their own sound.
# It takes an ffmpeg with libx264 and libopus on PATH.
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

[ $# -ge 1 ] || die "usage: avpatterns.sh OUT [CLIP [CLIP]]"
out=$1
mkdir -p "$out"

# pattern NAME ARGS...: what is there already stays.
pattern() {
  local path=$out/$1
  shift
  [ -f "$path" ] || ffmpeg -nostdin -v error -y "$@" "$path"
}
small=(-c:v libx264 -preset ultrafast -c:a aac)

seldom=
for at in 1.000 2.225 3.211 4.723 5.802 6.722 8.245 10.697 12.938 15.115 16.315 18.081 19.379 20.490 21.481 22.667; do
  seldom+="${seldom:+ + }gte(t,$at)*lt(t,$at+0.09)"
done
flash() { echo "drawbox=c=white:t=fill:enable='$1'"; }

pattern base1.mp4 -f lavfi -i "color=black:s=320x180:r=25:d=24,$(flash 'lt(mod(t,1),0.1)')" \
  -f lavfi -i "aevalsrc='0.5*sin(2*PI*1000*t)*lt(mod(t,1),0.1)':s=48000:d=24" "${small[@]}"
pattern base2.mkv -f lavfi -i "testsrc2=s=640x360:r=30000/1001:d=24,drawbox=x=200:y=100:w=240:h=160:c=white:t=fill:enable='lt(mod(t,1),0.07)'" \
  -f lavfi -i "sine=f=1000:b=4:d=24:r=48000" -c:v libx264 -preset ultrafast -c:a libopus
pattern base3.mp4 -f lavfi -i "color=white:s=640x360:r=50:d=24,drawbox=c=black:t=fill:enable='lt(mod(t,2),0.04)'" \
  -f lavfi -i "aevalsrc='0.7*(random(0)-0.5)*lt(mod(t,2),0.03)':s=44100:d=24" "${small[@]}"
pattern base4.ts -f lavfi -i "smptebars=s=720x576:r=25:d=24,drawbox=x=300:y=0:w=120:h=576:c=black:t=fill:enable='lt(mod(t,1.5),0.2)'" \
  -f lavfi -i "aevalsrc='0.3*sin(2*PI*440*t)*lt(mod(t,1.5),0.2)':s=48000:d=24" -c:v mpeg2video -q:v 4 -c:a mp2
pattern base5.mp4 -f lavfi -i "mandelbrot=s=480x270:r=24,trim=duration=24,$(flash 'lt(mod(t,1),0.08)')" \
  -f lavfi -i "sine=f=220:b=4:d=24" "${small[@]}"
pattern base6.mp4 -f lavfi -i "testsrc=s=640x360:r=25:d=24,drawbox=x=100:y=80:w=300:h=200:c=white:t=fill:enable='$seldom'" \
  -f lavfi -i "aevalsrc='0.5*sin(2*PI*800*t)*($seldom)+0.01*(random(0)-0.5)':s=48000:d=24" "${small[@]}"
pattern base7.mp4 -f lavfi -i "color=gray:s=320x180:r=12:d=24,drawbox=c=yellow:t=fill:enable='$seldom'" \
  -f lavfi -i "aevalsrc='0.5*sin(2*PI*800*t)*($seldom)':s=22050:d=24" "${small[@]}"

# over NAME CLIP WHEN VOLUME BEEP: flashes and beeps over a clip.
over() {
  pattern "$1" -i "$2" -f lavfi -i "aevalsrc='$5':s=48000:d=24" -t 20 -filter_complex \
    "[0:v]scale=360:-2,$(flash "$3")[v];[0:a]volume=$4[a];[1:a]aresample=48000[b];[a][b]amix=2:duration=shortest[s]" -map '[v]' -map '[s]' "${small[@]}"
}
[ $# -lt 2 ] || over base8.mp4 "$2" 'lt(mod(t,1),0.08)' 0.05 '0.5*sin(2*PI*1000*t)*lt(mod(t,1),0.1)'
[ $# -lt 3 ] || over base9.mp4 "$3" "$seldom" 0.3 "0.6*sin(2*PI*800*t)*($seldom)"
