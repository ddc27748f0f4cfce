"""The numbers of the sound network's card, and its calibration.

    sound_evaluate.py calibrate --weights sound.pt --sounds PACKAGES [--data CLIPS] --out calibration.json
    sound_evaluate.py set --model sound_defects.onnx --set OUT/test
    sound_evaluate.py clean --model sound_defects.onnx --sounds PACKAGES [--data CLIPS]
    sound_evaluate.py speed --model sound_defects.onnx
"""

import argparse
import json
import time

import numpy as np
import onnxruntime
import torch
from sklearn.metrics import average_precision_score, roc_auc_score

import sound_codecs
import sound_export
import sound_rules
import sound_sets
from sound_data import EDGE_MS, WINDOW_MS, load
from sound_defects import KINDS
from sound_net import RATE, WINDOW

NATIVE = 48000  # Hz, at which recordings are coded once more


class Model:
    """The shipped network; what it does not speak of is not there."""

    def __init__(self, path):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.kinds = [o.name for o in self.session.get_outputs()]

    def __call__(self, x):
        """[n, kinds, STEPS]"""
        parts = [self.session.run(None, {"samples": x[k:k + 8]}) for k in range(0, len(x), 8)]
        return np.concatenate([np.stack(p, 1) for p in parts])


class Weights:
    """A trained network before its calibration: logits."""

    def __init__(self, path):
        self.net, self.kinds = sound_export.fold(sound_export.load_net(path)), list(KINDS)

    def __call__(self, x):
        with torch.no_grad():
            return np.concatenate([self.net(torch.from_numpy(x[k:k + 16])).numpy() for k in range(0, len(x), 16)])


def clean_tracks(args, split):
    """(recording, codec, samples of the mix) of whole recordings; most go through a codec once more."""
    chosen = {}
    for r in sound_sets.recordings(args.data, args.sounds):
        if r.split == split:
            chosen.setdefault(r.group, []).append(r)
    seconds, rng = 0., np.random.default_rng(3)
    for group in rng.permutation(sorted(chosen)):
        for r in chosen[group][:args.files]:
            x = sound_codecs.read(r.path, NATIVE, 1, seconds=args.longest)
            if x.shape[1] < NATIVE // 2:
                continue
            codec = str(rng.choice(sound_codecs.TRAIN_CODECS if split == "val" else [*sound_codecs.TRAIN_CODECS, "opus", "opus"]))
            codec = codec if x.shape[1] > 20 * NATIVE else "pcm"
            x = sound_codecs.recoded(x, NATIVE, codec, sound_codecs.CODECS[codec][2][-1])
            seconds += x.shape[1] / RATE
            yield r, codec, x[0]
            if seconds > args.hours * 3600:
                return


def calibrate(args):
    model, tracks, seconds = Weights(args.weights), [], 0.
    for r, codec, x in clean_tracks(args, "val"):
        tracks.append(sound_rules.middle(model(sound_rules.windows(x))))
        seconds += len(x) / RATE
    calibration = {}
    for k, kind in enumerate(KINDS):
        allowed = int(args.per_hour * seconds / 3600)
        threshold = sound_rules.threshold_for([t[k] for t in tracks], kind, allowed) + sound_rules.MARGIN[kind]
        calibration[kind] = dict(threshold=round(float(threshold), 3), slope=1., allowed=allowed, hours=round(seconds / 3600, 3))
        print(f"{kind}: threshold {threshold:.2f} for {allowed} alarms in {seconds / 3600:.2f} h", flush=True)
    with open(args.out, "w") as f:
        json.dump(calibration, f, indent=1)


def numbers(args):
    model, rows = Model(args.model), load(args.set)
    picks = [(r, at) for r in rows for at in range(EDGE_MS, r.last(), WINDOW_MS)]
    crops = [r.crop(at) for r, at in picks]
    score = np.concatenate([model(np.stack([c[0] for c in crops[k:k + 64]])[:, None]) for k in range(0, len(crops), 64)])
    present, known = np.stack([c[1] for c in crops]), np.stack([c[2] for c in crops])
    codec = np.array([r.codec for r, _ in picks])
    print(f"{len(rows)} programmes, {len({r.group for r in rows})} groups, {len(rows) * 16 / 3600:.2f} h")
    print("defect         codecs    AUC    AP     recall at 1 %  recall at 0.5  steps")
    for k, kind in enumerate(model.kinds):
        at = KINDS.index(kind)
        for name, pick in (("all", codec != ""), ("held out", codec == sound_codecs.HELD_OUT_CODEC), ("lossless", codec == "pcm")):
            seen = known[pick, at]
            truth, s = present[pick, at][seen], score[pick, k][seen]
            if not truth.any() or truth.all():
                print(f"{kind:14} {name:9} no steps {'with' if not truth.any() else 'without'} the defect: no number")
                continue
            limit = np.quantile(s[~truth], .99)
            print(f"{kind:14} {name:9} {roc_auc_score(truth, s):.4f} {average_precision_score(truth, s):.4f} {(s[truth] > limit).mean():.3f}"
                  f"          {(s[truth] >= .5).mean():.3f}          {truth.sum()}", flush=True)


def clean(args):
    model, seconds, found = Model(args.model), 0., []
    for r, codec, x in clean_tracks(args, "test"):
        score = sound_rules.middle(model(sound_rules.windows(x)))
        seconds += len(x) / RATE
        for k, kind in enumerate(model.kinds):
            found += [(kind, r.name, codec, a, b) for a, b in sound_rules.alarms(score[k], .5, kind)]
    print(f"{len(found)} alarms in {seconds / 3600:.2f} h of clean sound, {len(found) / seconds * 3600:.1f} an hour")
    for kind in model.kinds:
        print(f"{kind:14} {sum(f[0] == kind for f in found)}")
    for kind, name, codec, a, b in found[:60]:
        print(f"  {kind} in {name} ({codec}) from {a:.2f} to {b:.2f} s")


def speed(args):
    model, x = Model(args.model), sound_export.examples()[:1]
    spent = []
    for _ in range(40):
        begin = time.process_time()
        model(x)
        spent.append(time.process_time() - begin)
    seconds = sound_rules.HOP * sound_rules.STEP_SECONDS  # that a window speaks for
    print(f"one second of one channel: {min(spent) / seconds * 1e3:.2f} ms of one core at best, median {np.median(spent) / seconds * 1e3:.2f} ms "
          f"(window of {WINDOW} samples, for {seconds:g} s)")


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("command", choices=["calibrate", "set", "clean", "speed"])
    for name in ("--weights", "--model", "--set", "--data", "--sounds", "--out"):
        args.add_argument(name)
    args.add_argument("--files", type=int, default=3, help="recordings of a content group")
    args.add_argument("--longest", type=float, default=240, help="seconds of one recording, at most")
    args.add_argument("--hours", type=float, default=3., help="of clean sound, at most")
    args.add_argument("--per-hour", type=float, default=.1, help="false alarms of a defect that are allowed")
    args = args.parse_args()
    torch.set_num_threads(1)
    {"calibrate": calibrate, "set": numbers, "clean": clean, "speed": speed}[args.command](args)


if __name__ == "__main__":
    main()
