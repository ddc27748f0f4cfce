"""Makes the picture set: of one window of one source the clean picture and its distorted twins, all through the same last encode.

    picture_generate.py --clips CLIPS --pictures WALLPAPERS --out OUT [--splits train,val] [--rounds 6] [--level 2]

OUT/<split>/<name>.npy is uint8 luma [variants, H, W], <name>.json tells each variant. Restartable: what is there is not made again;
every choice comes from the name. --level takes all defects at one rung of the ladder (1 to 4) instead of random strengths.
Empty --clips and --pictures: generated content only.
"""

import argparse
import hashlib
import json
import os
import random
import time

import numpy as np
from scipy.ndimage import laplace

import picture_distort as distort
import picture_sources as sources
from picture_distort import DEFECTS
from picture_net import PATCH

FRAMES, KEPT, DRAWS = 4, 2, 2  # pictures encoded, and kept; distortions of a window a defect
ROUNDS = {"natural": 1., "animation": 1., "screen": 1., "photo": 1., "overlay": .5, "rendered": .5, "artwork": .4, "graphics": .4, "scene": .6}


def jobs(items, splits, rounds):
    groups = {}
    for item in items:
        if item.split in splits:
            groups.setdefault((item.split, item.group), []).append(item)
    for k in range(rounds):
        for (split, group), members in sorted(groups.items(), key=lambda g: hashlib.sha256(repr((g[0][1], k)).encode()).digest()):
            item = members[k % len(members)]
            if k == 0 or random.Random(f"{group}/{k}/use").random() < ROUNDS[item.kind]:
                yield f"{split}/{group}-{k}", item


def make(name, item, level):
    rng = random.Random(name)
    size = rng.choice(sources.LARGE if rng.random() < .03 else sources.SIZES)
    yuv = sources.window(item, rng, FRAMES, size)
    if len(yuv) < KEPT or min(yuv.shape[2], yuv.shape[1] * 2 // 3) < PATCH:
        return None
    dressed = sources.dress(yuv, rng, item.kind)
    width, height = yuv.shape[2], yuv.shape[1] * 2 // 3
    history = rng.choice([20, 23, 26]) if item.kind in ("photo", "artwork", "scene") and rng.random() < .3 else 0
    if history:  # most material has been encoded before
        yuv = distort.coded(yuv, ["-c:v", "libx264", "-preset", "superfast", "-crf", str(history)])
    last = distort.final_encode(rng)
    chosen = [distort.draw(defect, rng, (width, height), level) for defect in DEFECTS for _ in range(1 if level else DRAWS)]
    at = sorted(rng.sample(range(len(yuv)), KEPT))
    pictures = distort.twins(yuv, chosen, last)[:, at]
    variants = [{"defect": "", "strength": 0, "how": "none", "visible": True}]
    for one, luma in zip(chosen, pictures[1:]):
        variants.append({"defect": one.defect, "strength": round(one.strength, 4), "how": one.how, "visible": visible(one, luma, pictures[0])})
    meta = dict(group=item.group, kind=item.kind, split=item.split, source=item.path or item.group, licence=item.licence, licence_class=item.licence_class,
                dressed=dressed, history=history, last=" ".join(last), level=level)
    return pictures.reshape(-1, height, width), dict(meta, variants=[dict(v, frame=k) for v in variants for k in at])


def visible(one, luma, clean) -> bool:
    """Whether anything is left of the distortion after the encode: in a soft or flat picture often not. Such twins are no truth to train on."""
    change = luma.astype(np.float32) - clean
    if one.defect in ("blur", "upscaling"):
        return detail(luma) < .8 * detail(clean)
    if one.defect == "noise":
        return bool(change.std() > .35 * one.strength)
    if one.defect == "banding":  # what has few levels by nature cannot lose any
        return levels(clean) >= 32 and bool(np.abs(change).mean() > .1 * one.strength)
    return bool((change ** 2).mean() > 4)


def levels(luma) -> int:
    return int((np.bincount(luma.reshape(-1), minlength=256) > .001 * luma.size).sum())


def detail(luma) -> float:
    return float(np.mean([np.square(laplace(picture.astype(np.float32))).mean() for picture in luma]))


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--clips", default="")
    args.add_argument("--pictures", default="")
    args.add_argument("--out", required=True)
    args.add_argument("--splits", default="train,val,test")
    args.add_argument("--rounds", type=int, default=6)
    args.add_argument("--level", type=int, choices=[1, 2, 3, 4])
    args = args.parse_args()
    items = sources.items(args.clips, args.pictures)
    begin = time.time()
    for count, (name, item) in enumerate(jobs(items, args.splits.split(","), args.rounds)):
        path = os.path.join(args.out, name)
        if os.path.exists(path + ".done"):
            continue
        os.makedirs(os.path.dirname(path), exist_ok=True)
        try:
            made = make(name, item, args.level)
            if made:
                np.save(path + ".npy", made[0])
                with open(path + ".json", "w") as f:
                    json.dump(made[1], f)
        except Exception as error:  # one unusable clip must not end the run
            print("skipped", name, repr(error)[:300], getattr(error, "stderr", b"")[-300:], flush=True)
        open(path + ".done", "w").close()
        print(f"{time.time() - begin:7.0f} s  {count}  {name}", flush=True)


if __name__ == "__main__":
    main()
