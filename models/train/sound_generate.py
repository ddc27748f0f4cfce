"""Makes the sound set: files of eight programmes of sixteen seconds, coded together, with marks.

    sound_generate.py --sounds PACKAGES [--data CLIPS] --out OUT [--train 110 --val 24 --test 30 --mains 0]

Restartable: what is there is not made again. Every choice comes from the file's name.
"""

import argparse
import json
import os
import time
import zlib

import numpy as np

import sound_codecs as codecs
import sound_sets
from sound_content import SECONDS, Library, generated, near_mains, resampled
from sound_defects import KINDS, MAKERS, TEMPTING

ROWS = 8            # programmes a file
SCALE = 20000       # of the stored samples: decoders overshoot full scale
CLEAN_SHARE = .3
SHARES = (.31, .42, .06, .09, .06, .06)  # of KINDS and TEMPTING among what is not clean


def make(name, recordings, split, out):
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    library = Library([r for r in recordings if r.split == split], rng)
    codec = codec_of(split, rng)
    kbps = int(rng.choice(codecs.CODECS[codec][2]))
    rate, rows, groups, marks, kinds = int(rng.choice((44100, 48000))), [], [], [], []
    for _ in range(ROWS):
        x, own, group = library.programme() if "mains" not in name else (generated(rng, (near_mains,)), 48000, "generated")
        rows.append(resampled(x, own, rate))
        groups.append(group)
    for k, x in enumerate(rows):
        kind = "" if rng.random() < CLEAN_SHARE else str(rng.choice(KINDS + TEMPTING, p=SHARES))
        kinds.append(kind)
        marks.append(MAKERS[kind](x, rng, rate) if kind else [])
    n = SECONDS * rate
    whole = np.concatenate([np.pad(x, ((0, 0), (0, max(0, n - x.shape[1]))))[:, :n] for x in rows], 1)
    stereo = rng.random() < .15  # coding two channels takes twice the time
    got = codecs.recoded(whole if stereo else whole.mean(0, keepdims=True), rate, codec, kbps).mean(0)
    sound = np.clip(np.round(got.reshape(ROWS, -1) * SCALE), -32767, 32767).astype(np.int16)
    meta = dict(split=split, codec=codec, kbps=kbps, rate=rate, groups=groups, kinds=kinds,
                marks=[[(m.kind, round(m.start, 4), round(m.end, 4), m.heard) for m in row] for row in marks])
    os.makedirs(os.path.dirname(os.path.join(out, name)), exist_ok=True)
    np.save(os.path.join(out, name + ".part.npy"), sound)
    os.replace(os.path.join(out, name + ".part.npy"), os.path.join(out, name + ".npy"))
    with open(os.path.join(out, name + ".json"), "w") as f:
        json.dump(meta, f)


def codec_of(split, rng):
    if split == "test" and rng.random() < .35:
        return codecs.HELD_OUT_CODEC
    return str(rng.choice(codecs.TRAIN_CODECS))


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--data")
    args.add_argument("--sounds")
    args.add_argument("--out", required=True)
    for split, files in (("train", 110), ("val", 24), ("test", 30)):
        args.add_argument("--" + split, type=int, default=files)
    args.add_argument("--mains", type=int, default=0, help="further files to train with: nothing but tones at and beside the mains")
    args = args.parse_args()
    recordings = sound_sets.recordings(args.data, args.sounds)
    begin = time.time()
    counts = dict(train=args.train, val=args.val, test=args.test)
    jobs = [(k / counts[s], f"{s}/{k:04d}", s) for s in counts for k in range(counts[s])]
    jobs += [(2, f"train/mains-{k:04d}", "train") for k in range(args.mains)]
    for _, name, split in sorted(jobs):
        if os.path.exists(os.path.join(args.out, name + ".json")):
            continue
        try:
            make(name, recordings, split, args.out)
            print(f"{time.time() - begin:7.0f} s  {name}", flush=True)
        except Exception as error:  # one unusable recording must not end the run
            print("skipped", name, repr(error)[:300], flush=True)


if __name__ == "__main__":
    main()
