"""Makes the sound set: files of eight programmes of sixteen seconds, coded together, with marks.

    sound_generate.py --sounds PACKAGES [--data CLIPS] --out OUT [--train 110 --val 24 --test 30]

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
from sound_content import SECONDS, Library, resampled
from sound_defects import KINDS, MAKERS, Mark

ROWS = 8            # programmes a file
SCALE = 20000       # of the stored samples: decoders overshoot full scale
CLEAN_SHARE = .35
SHARES = (.1, .1, .05, .05, .22, .24, .24)  # of KINDS among what is not clean: most of what no closed form detects


def make(name, recordings, split, out):
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    library = Library([r for r in recordings if r.split == split], rng)
    codec = codec_of(split, rng)
    kbps = int(rng.choice(codecs.CODECS[codec][2]))
    rate, rows, groups, marks, kinds = int(rng.choice((44100, 48000))), [], [], [], []
    for _ in range(ROWS):
        x, own, group = library.programme()
        rows.append(resampled(x, own, rate))
        groups.append(group)
    for k, x in enumerate(rows):
        kind = "" if rng.random() < CLEAN_SHARE else str(rng.choice(KINDS, p=SHARES))
        rows[k], found = injured(x, rate, kind, rng)
        kinds.append(kind)
        marks.append(found)
    n = SECONDS * rate
    whole = np.concatenate([np.pad(x, ((0, 0), (0, max(0, n - x.shape[1]))))[:, :n] for x in rows], 1)
    stereo = rng.random() < .15  # coding two channels takes twice the time
    got = codecs.recoded(whole if stereo else whole[:1], rate, codec, kbps)[int(rng.integers(0, 1 + stereo))]
    sound = np.clip(np.round(got.reshape(ROWS, -1) * SCALE), -32767, 32767).astype(np.int16)
    flat = [native_flat_tops(x) for x in rows]
    meta = dict(split=split, codec=codec, kbps=kbps, rate=rate, groups=groups, kinds=kinds, flat=flat,
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


def injured(x, rate, kind, rng):
    """x with defects of one kind, and their marks. Codec damage is at 32 kHz and goes back to `rate`."""
    if not kind:
        return x, []
    if kind != "codec_damage":
        return x, MAKERS[kind](x, rng, rate)
    codec = str(rng.choice(codecs.DAMAGED_CODECS))
    pair = codecs.damaged(x, rate, codec, int(rng.choice(codecs.CODECS[codec][2])), rng)
    if pair is None:
        return x, []
    clean, broken = pair
    marks = heard_changes(clean, broken)
    return resampled(broken.astype(np.float64), codecs.RATE, rate)[:, :x.shape[1]], marks


def heard_changes(clean, broken, cell=320):
    """Where the damaged decode differs from the clean one by more than -50 dBFS RMS and a tenth of what is there; the rest that differs is faint."""
    n = clean.shape[1] // cell * cell
    change = np.sqrt(np.square(broken[:, :n] - clean[:, :n]).mean(0).reshape(-1, cell).mean(1))
    level = np.sqrt(np.square(clean[:, :n]).mean(0).reshape(-1, cell).mean(1))
    level = np.maximum(level, np.convolve(level, np.ones(5) / 5, "same"))
    heard = (change > 3e-3) & (change > .1 * level)
    seconds = cell / codecs.RATE
    return [Mark("codec_damage", k * seconds, (k + 1) * seconds, bool(heard[k])) for k in np.flatnonzero(change > 2e-4)]


def native_flat_tops(x):
    """Does the recording itself come with cut tops?"""
    peak = np.abs(x).max()
    if peak < 1e-3:
        return False
    top = np.abs(x[0]) > .995 * peak
    runs = top[:-3] & top[1:-2] & top[2:-1] & top[3:]
    return bool(runs.sum() > 12)


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--data")
    args.add_argument("--sounds")
    args.add_argument("--out", required=True)
    for split, files in (("train", 110), ("val", 24), ("test", 30)):
        args.add_argument("--" + split, type=int, default=files)
    args = args.parse_args()
    recordings = sound_sets.recordings(args.data, args.sounds)
    begin = time.time()
    counts = dict(train=args.train, val=args.val, test=args.test)
    jobs = [(k / counts[s], f"{s}/{k:04d}", s) for s in counts for k in range(counts[s])]
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
