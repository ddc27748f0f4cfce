"""Makes the data set: one folder a split, per encode or damage draw one .npy of luma pictures and one .npz of labels.

    generate.py --data CLIPS --pictures WALLPAPERS --out OUT [--draw control] [--worker 0/1]

Restartable: what is there is not made again. Every choice comes from the seed in the job's name.
"""

import argparse
import hashlib
import json
import os
import random
import tempfile
import time

import numpy as np

import content
import encode
import label
import sets
from damage import damage

UNDAMAGED, DAMAGED, CONCEALED, TWIN, CLEAN_ENCODE = 0, 1, 2, 3, 4  # kind of a stored picture
CONCEALMENTS = [None, None, 3, 0, 258]
TRAIN_CODECS = ["h264"] * 7 + ["mpeg4", "hevc", "mpeg4"]  # damage in MPEG-2 is for the control draw alone: the codec never trained on
VARIANTS = {"natural": 6, "animation": 6, "screen": 4, "overlay": 4, "rendered": 4, "photo": 4, "artwork": 2, "graphics": 2}
CLEAN_CODECS = ["h264_hard", "h264_hard", "h264", "mpeg2_hard", "mpeg4_hard", "mjpeg", "vp8", "hevc_hard"]


def jobs(items, draw):
    """(name, item, codec, damage draws), the most varied first, so that a part of the set is already useful."""
    groups = {}
    for item in items:
        groups.setdefault((item.split, item.group), []).append(item)
    for variant in range(max(VARIANTS.values())):
        for (split, group), members in sorted(groups.items(), key=lambda g: hashlib.sha256(repr((g[0], variant)).encode()).digest()):
            item = members[variant % len(members)]
            if variant >= min(VARIANTS[item.kind], 1 if draw == "control" else 8 if split == "train" else 2):
                continue
            rng = random.Random(f"{draw}/{split}/{group}/{variant}")
            plain = [("clean", rng.choice(CLEAN_CODECS), 0)] if variant % 2 == 0 else []
            if draw == "control":
                wanted = split == "test" and item.kind not in ("graphics", "artwork")
                plan = [("h264", "h264", 1), ("mpeg2", "mpeg2", 1)] if wanted else []
            elif item.kind in ("graphics", "artwork"):
                plan = plain + ([("damaged", "h264", 1)] if variant % 2 == 1 else [])
            else:
                plan = plain + [("damaged", rng.choice(TRAIN_CODECS) if split == "train" else "h264", 3 if split == "train" else 2)]
            for tag, codec, draws in plan:
                yield f"{split}/{tag}-{group}-{variant}", item, codec, draws


def make(name, item, codec, draws, draw, out):
    rng = random.Random(f"{draw}/{name}")
    box, count = ((1920, 1080), 22) if rng.random() < .12 else ((1280, 720), 45)
    pictures = content.frames(item, rng, 12 if draws == 0 else count, box)
    if len(pictures) < 10:
        return
    ts, settings = encode.encode(pictures, codec, rng)
    meta = dict(group=item.group, kind=item.kind, split=item.split, clip=os.path.basename(item.path), draw=draw, **settings)
    with tempfile.TemporaryDirectory() as folder:
        clean = decoded(ts, None, folder)
        if draws == 0:
            picks = [(CLEAN_ENCODE, luma, None) for luma in list(clean.values())[1::2]]
            return store(out, f"{name}", picks, meta)
        for k in range(draws):
            damaged = damage(ts, rng, bool(settings.get("slice_bytes")))
            if damaged is None:
                return
            ec = rng.choice(CONCEALMENTS)
            picks = choose(decoded(damaged[0], ec, folder), clean, rng)
            store(out, f"{name}-{k}", picks, dict(meta, mode=damaged[1], concealment=ec))


def decoded(ts, concealment, folder):
    path = os.path.join(folder, "x.ts")
    with open(path, "wb") as f:
        f.write(ts)
    return encode.decode(path, concealment)


def choose(damaged, clean, rng, keep=(6, 2, 1)):
    """Up to six visibly damaged pictures with their clean twins, two undamaged ones, one whose damage is concealed.
    Half of the damaged ones are drawn from the less damaged half: small damage is what a network misses."""
    found = {DAMAGED: [], UNDAMAGED: [], CONCEALED: []}
    for pts, luma in damaged.items():
        if pts not in clean or clean[pts].shape != luma.shape:
            continue
        mark = label.label(luma, clean[pts])
        if mark.untouched:
            found[UNDAMAGED].append((luma, mark, clean[pts]))
        elif mark.changed > .3 and label.repeats(luma, pts, clean):
            continue
        elif mark.positive():
            found[DAMAGED].append((luma, mark, clean[pts]))
        elif mark.changed >= .004 and mark.visible() == 0:
            found[CONCEALED].append((luma, mark, clean[pts]))
    picks = []
    for kind, most in zip((DAMAGED, UNDAMAGED, CONCEALED), keep):
        ranked = sorted(found[kind], key=lambda f: f[1].visible())
        small = ranked[:len(ranked) // 2] if kind == DAMAGED else []
        rng.shuffle(small)
        rest = small[most // 2:] + ranked[len(small):]
        rng.shuffle(rest)
        for luma, mark, twin in (small[:most // 2] + rest)[:most]:
            picks.append((kind, luma, mark))
            if kind == DAMAGED:
                picks.append((TWIN, twin, None))
    return picks


def store(out, name, picks, meta):
    if not picks:
        return
    luma = np.stack([label.cut(p[1]) for p in picks])
    empty = np.zeros((luma.shape[1] // label.MB, luma.shape[2] // label.MB), np.uint8)
    blocks = np.stack([empty if p[2] is None else p[2].blocks for p in picks])
    os.makedirs(os.path.dirname(os.path.join(out, name)), exist_ok=True)
    np.save(os.path.join(out, name + ".npy"), luma)
    np.savez(os.path.join(out, name + ".npz"), blocks=blocks, kind=np.array([p[0] for p in picks]), meta=json.dumps(meta))


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--data", required=True)
    args.add_argument("--pictures", required=True)
    args.add_argument("--out", required=True)
    args.add_argument("--draw", default="main")
    args.add_argument("--worker", default="0/1", help="k/n: makes every n-th job")
    args = args.parse_args()
    worker, workers = map(int, args.worker.split("/"))
    items = sets.all_items(args.data, args.pictures)
    begin, out = time.time(), os.path.join(args.out, args.draw)
    for index, (name, item, codec, draws) in enumerate(jobs(items, args.draw)):
        done = os.path.join(out, name + ".done")
        if index % workers != worker or os.path.exists(done):
            continue
        try:
            make(name, item, codec, draws, args.draw, out)
        except Exception as error:  # one unusable clip must not end the run
            print("skipped", name, repr(error)[:200], flush=True)
        os.makedirs(os.path.dirname(done), exist_ok=True)
        open(done, "w").close()
        print(f"{time.time() - begin:7.0f} s  {index}  {name}", flush=True)


if __name__ == "__main__":
    main()
