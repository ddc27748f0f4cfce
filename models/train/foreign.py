"""A folder for `streamvet eval` whose damage streamvet had no hand in: other encoders' settings, other tools, other losses.

    foreign.py --list test.tsv --out FOLDER [--clips 12] [--seconds 6] [--seed 5]

LIST is as `streamvet inject --set` takes it (path, group, collection). Of each clip one clean encode a codec, and of that:

    noise_filter   ffmpeg -bsf:v noise
    lost_packets   TS packets that a script leaves out, alone and in runs of 7
    overwritten    runs of bytes set to 0, as a bad sector leaves them
    recoded        lost packets, then decoded, concealed and encoded anew: nothing in the bitstream tells of it

The truth is found as `streamvet inject` finds it, on luma alone: both decodes side by side, on the grid of pictures (label.py).
What the FFmpeg on PATH does not take is left out and told. Restartable: what is there is not made again.
"""

import argparse
import csv
import hashlib
import json
import os
import random
import subprocess

import numpy as np

import label

PACKET = 188
CODECS = {"h264": ["-c:v", "libx264", "-preset", "medium", "-crf", "23", "-threads", "1"],
          "mpeg2": ["-c:v", "mpeg2video", "-q:v", "4", "-g", "12", "-bf", "2", "-threads", "1"],
          "hevc": ["-c:v", "libx265", "-preset", "superfast", "-crf", "25", "-x265-params", "log-level=none:pools=1:frame-threads=1"]}
PLAN = {"h264": ["noise_filter", "lost_packets", "overwritten", "recoded"], "mpeg2": ["lost_packets", "noise_filter"], "hevc": ["lost_packets", "overwritten"]}
QUIET = ["ffmpeg", "-hide_banner", "-nostdin", "-v", "fatal", "-y"]


def run(*args: str) -> None:
    subprocess.run([*QUIET, *args], check=True, timeout=600)


def probe(path: str) -> tuple[int, int, str]:
    out = subprocess.run(["ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries", "stream=width,height,avg_frame_rate", "-of", "json", path],
                         capture_output=True, check=True).stdout
    stream = json.loads(out)["streams"][0]
    return stream["width"], stream["height"], stream["avg_frame_rate"]


def spoil(kind: str, source: str, target: str, rng: random.Random) -> None:
    """Writes a damaged copy. The first fifth stays whole."""
    if kind == "noise_filter":
        size = os.path.getsize(source)
        return run("-i", source, "-c", "copy", "-bsf:v", f"noise=amount='if(gt(n,{rng.randrange(15, 40)}),{max(size // rng.choice([4, 8, 16]), 2000)},0)'", "-f", "mpegts", target)
    data = open(source, "rb").read()
    starts = list(range(0, len(data) - PACKET + 1, PACKET))
    video = [s for s in starts if (data[s + 1] & 31) << 8 | data[s + 2] == 256]
    video = video[len(video) // 5:]
    at = rng.randrange(len(video) // 2)
    hit = video[at:at + max(len(video) // 3, 20)]
    if kind == "overwritten":
        spoiled = bytearray(data)
        for _ in range(rng.choice([1, 2, 4])):
            place, length = rng.choice(hit) + 40, rng.choice([16, 64, 140])
            spoiled[place:place + length] = bytes(length)
    else:
        lost, run_of, rate = set(), rng.choice([1, 7]), rng.choice([.003, .01, .03])
        for k, s in enumerate(hit):
            if rng.random() < rate / run_of:
                lost.update(hit[k:k + run_of])
        lost = lost or {hit[0]}
        spoiled = b"".join(data[s:s + PACKET] for s in starts if s not in lost)
    with open(target, "wb") as f:
        f.write(bytes(spoiled))


def pictures(path: str, size: tuple[int, int], rate: str):
    """Luma of each place on the grid, as `streamvet inject` decodes it."""
    width, height = size
    child = subprocess.Popen([*QUIET, "-threads", "1", "-flags", "+output_corrupt", "-i", path, "-map", "0:v:0", "-vf",
                              f"setpts=PTS-STARTPTS,fps=fps={rate}:start_time=0,scale={width}:{height},format=gray", "-f", "rawvideo", "-"], stdout=subprocess.PIPE)
    while len(data := child.stdout.read(width * height)) == width * height:
        yield np.frombuffer(data, np.uint8).reshape(height, width)
    child.wait()


def sights(clean: str, damaged: str, size, rate) -> tuple[list[int], list[int], int]:
    """Pictures that are visibly damaged, those that differ otherwise, and how many there are."""
    seen, other, last, before, count = [], [], None, [], 0
    feed = pictures(damaged, size, rate)
    for k, truth in enumerate(pictures(clean, size, rate)):
        got = last = next(feed, last)
        before, count = (before + [truth])[-17:], k + 1
        mark = label.label(got, truth)
        if mark.untouched:
            continue
        stale = any(np.abs(got[::4, ::4].astype(np.int16) - b[::4, ::4]).mean() < 1 for b in before[:-1])
        (seen if mark.positive() and not stale else other).append(k)
    return seen, other, count


def stretches(frames: list[int], gap: int) -> list[list[int]]:
    out = []
    for f in frames:
        if out and f - out[-1][-1] <= gap:
            out[-1].append(f)
        else:
            out.append([f])
    return out


def entries(kind: str, seen, other, fps: float) -> list[dict]:
    out = []
    for frames, visible in ((seen, True), (other, False)):
        for part in stretches(frames, max(round(.2 * fps), 1)):
            first, last = part[0], part[-1] + 1
            out.append(dict(defect="block_corruption", kind=kind, level=1, injection=1, start=first / fps, end=last / fps, start_frame=first, end_frame=last,
                            frames=part, invisible=not visible))
    return sorted(out, key=lambda e: (e["start"], e["end"]))


def truth(source, media, size, rate, count, codec, seed, defects) -> dict:
    fps = fraction(rate)
    return dict(version=2, source=source, media=os.path.basename(media), media_bytes=os.path.getsize(media), width=size[0], height=size[1], fps=fps,
                frame_rate=rate.removesuffix("/1"), frames=count, picture_start=0, sound_start=0, duration=count / fps, encoder=codec, seed=seed, defects=defects)


def fraction(rate: str) -> float:
    above, _, below = rate.partition("/")
    return int(above) / int(below or 1)


def item(folder: str, name: str, clip, codec: str, kind: str | None, seed: int, seconds: float) -> None:
    """Makes one file and its truth."""
    base, clean = os.path.join(folder, name), os.path.join(folder, f"{clip['id']}-{codec}-clean")
    if os.path.exists(base + ".json"):
        return
    rng = random.Random(f"{seed}/{name}")
    if kind is None:
        run("-t", str(seconds), "-i", clip["path"], "-map", "0:v:0", "-an", "-vf", "scale=-2:'min(540,trunc(ih/2)*2)':flags=bicubic,format=yuv420p",
            "-fps_mode", "cfr", *CODECS[codec], "-muxdelay", "0", "-muxpreload", "0", "-f", "mpegts", base + ".ts")
    elif kind == "recoded":
        spoil("lost_packets", clean + ".ts", base + ".tmp", rng)
        _, _, rate = probe(clean + ".ts")
        run("-flags", "+output_corrupt", "-i", base + ".tmp", "-map", "0:v:0", "-vf", f"setpts=PTS-STARTPTS,fps=fps={rate}:start_time=0", *CODECS["h264"],
            "-muxdelay", "0", "-muxpreload", "0", "-f", "mpegts", base + ".ts")
    else:
        spoil(kind, clean + ".ts", base + ".ts", rng)
    width, height, rate = probe(clean + ".ts")
    seen, other, count = sights(clean + ".ts", base + (".tmp" if kind == "recoded" else ".ts"), (width, height), rate) if kind else ([], [], 0)
    if not kind:
        count = sum(1 for _ in pictures(base + ".ts", (width, height), rate))
    made = truth(clip["path"], base + ".ts", (width, height), rate, count, codec, seed, entries(kind, seen, other, fraction(rate)) if kind else [])
    if kind == "recoded":
        os.remove(base + ".tmp")
    with open(base + ".json", "w") as f:
        json.dump(made, f)


def main() -> None:
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--list", required=True)
    args.add_argument("--out", required=True)
    args.add_argument("--clips", type=int, default=12)
    args.add_argument("--seconds", type=float, default=6)
    args.add_argument("--seed", type=int, default=5)
    args = args.parse_args()
    os.makedirs(args.out, exist_ok=True)
    with open(args.list) as f:
        rows = list(csv.DictReader(f, delimiter="\t"))
    random.Random(args.seed).shuffle(rows)
    groups, clips = set(), []
    for row in rows:
        if row["group"] in groups or len(clips) == args.clips:
            continue
        groups.add(row["group"])
        with open(row["path"], "rb") as f:
            digest = hashlib.sha256(f.read()).hexdigest()
        name = f"{os.path.splitext(os.path.basename(row['path']))[0]}-{digest[:6]}"
        clips.append({"id": name, "path": row["path"]})
    for clip in clips:
        for codec, kinds in PLAN.items():
            try:
                for kind in [None, *kinds]:
                    item(args.out, f"{clip['id']}-{codec}-{kind or 'clean'}", clip, codec, kind, args.seed, args.seconds)
            except subprocess.CalledProcessError as error:  # a rate that MPEG-2 does not have, say
                print("left out:", clip["id"], codec, error.cmd[-1], flush=True)


if __name__ == "__main__":
    main()
