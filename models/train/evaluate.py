"""Measures the shipped ONNX file. Every number of card.md comes from one of these commands.

    evaluate.py pictures  --model M --set OUT/main/test       held-out groups: AUC, AP, recall at 1 % false positives, breakdowns
    evaluate.py pictures  --model M --set OUT/control/test    a fresh draw of the damage; each picture against its own clean decode; MPEG-2
    evaluate.py clean     --model M --data CLIPS --pictures WALLPAPERS [--split test]    false alarms an hour under the temporal rule
    evaluate.py damage    --model M --data CLIPS --pictures WALLPAPERS                   share of damage events that raise an alarm
    evaluate.py speed     --model M                           milliseconds a picture on one thread
"""

import argparse
import os
import random
import subprocess
import tempfile
import time

import numpy as np
import onnxruntime
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

import content
import encode
import label
import sets
from alarms import Rule, alarms
from crops import CLEAN_ENCODE, CONCEALED, DAMAGED, TWIN, UNDAMAGED, load
from damage import damage
from generate import decoded

BASE_LOOK, EVIDENCE_LOOK, EVIDENCE_SPAN = .5, .16, 1.0  # seconds


class Model:
    def __init__(self, path: str, threads: int = 1):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def score(self, luma: np.ndarray) -> float:
        return float(self.session.run(["score"], {"luma": np.ascontiguousarray(label.cut(luma))[None, None]})[0][0])


def chosen(folder: str, count: int):
    """All pictures of `count` encodes, drawn with a fixed seed."""
    found = load(folder)
    files = sorted({p.file for p in found})
    some = set(random.Random(0).sample(files, min(count, len(files))))
    return [p for p in found if p.file in some]


def pictures(args):
    found, model = chosen(args.set, args.files), Model(args.model)
    scores = np.array([model.score(p.luma()) for p in found])
    np.savez(args.set.rstrip("/") + "-scores.npz", scores=scores)
    kinds = np.array([p.kind for p in found])
    codecs = np.array([p.meta["codec"] for p in found])
    known = kinds != CONCEALED
    for codec in sorted({c for c, k in zip(codecs, kinds) if k == DAMAGED}):
        of = (codecs == codec) | (kinds == CLEAN_ENCODE if codec == "h264" else False)
        print(f"== damaged {codec}, {len({p.meta['group'] for p, o in zip(found, of) if o})} held-out groups")
        line("all clean pictures", scores, kinds, of & known)
        line("without clean encodes", scores, kinds, of & known & (kinds != CLEAN_ENCODE))
        line("undamaged of the same encode", scores, kinds, of & ((kinds == DAMAGED) | (kinds == UNDAMAGED)))
        line("own clean decode", scores, kinds, of & ((kinds == DAMAGED) | (kinds == TWIN)))
        hit = np.flatnonzero(of & (kinds == DAMAGED))
        print(f"  damaged picture above its own clean decode: {(scores[hit] > scores[hit + 1]).mean():.3f} of {len(hit)}")
        clean = of & known & (kinds != DAMAGED)
        area = np.array([(p.blocks == label.VISIBLE).mean() for p in found])
        for low, high in ((0, .004), (.004, .01), (.01, .03), (.03, .1), (.1, 1.01)):
            line(f"visible area {low:.1%} to {min(high, 1):.1%}", scores, kinds, clean | (of & (kinds == DAMAGED) & (area >= low) & (area < high)))
        for kind in sorted({p.meta["kind"] for p in found}):
            line(f"content {kind}", scores, kinds, of & known & np.array([p.meta["kind"] == kind for p in found]))
        for low, high in ((0, 26), (27, 32), (33, 40)):
            line(f"CRF {low} to {high}", scores, kinds, of & known & np.array([low <= p.meta.get("crf", -1) <= high for p in found]) & (kinds != CLEAN_ENCODE))
        concealed = of & ((kinds == CONCEALED) | (kinds == UNDAMAGED))
        line("concealed without a new edge, against undamaged", scores, np.where(kinds == CONCEALED, DAMAGED, kinds), concealed)
    for threshold in (.5, .8, .9, .95, .98):
        parts = "  ".join(f"{name} {(scores[kinds == kind] >= threshold).mean():.3f}" for name, kind in
                          (("damaged", DAMAGED), ("undamaged", UNDAMAGED), ("twin", TWIN), ("clean encode", CLEAN_ENCODE)) if (kinds == kind).any())
        print(f"score >= {threshold}: {parts}")


def line(name, scores, kinds, chosen):
    truth, value = kinds[chosen] == DAMAGED, scores[chosen]
    if truth.sum() < 5 or (~truth).sum() < 5:
        return
    false, true, _ = roc_curve(truth, value)
    print(f"  {name:48s} damaged {truth.sum():4d}  clean {(~truth).sum():4d}  AUC {roc_auc_score(truth, value):.3f}"
          f"  AP {average_precision_score(truth, value):.3f}  recall at 1 % FPR {true[false <= .01].max():.2f}", flush=True)


def clean(args):
    """Every clip as it is, at native size, looked at every half second; and pans over pictures, encoded at CRF 20 to 32."""
    model, looks = Model(args.model), {}
    for item in sets.all_items(args.data, args.pictures):
        if args.split not in (item.split, "any") and args.split != "all":
            continue
        rng = random.Random("clean" + item.group + item.path)
        if item.kind in ("photo", "artwork", "graphics"):
            yuv = content.frames(item, rng, 250, (1280, 720))
            ts, _ = encode.encode(yuv, "h264", rng)
            frames, rate = list(in_order(ts)), encode.RATE
            series = [(k / rate, model.score(frames[k])) for k in range(0, len(frames), int(BASE_LOOK * rate))]
        else:
            series = [(at, model.score(luma)) for at, luma in samples(item)]
        looks[item.path or item.group] = (item, series)
    for threshold in args.thresholds:
        rule = Rule(threshold, threshold * .6)
        for name, kinds in (("camera, rendered, screen clips", "natural overlay rendered screen animation"), ("pans over pictures", "photo artwork"), ("cards", "graphics")):
            chosen = [(i, s) for i, s in looks.values() if i.kind in kinds.split() and s]
            seconds = sum(s[-1][0] + BASE_LOOK for _, s in chosen)
            raised = [(i.group, alarms(s, rule)) for i, s in chosen if alarms(s, rule)]
            count = sum(len(a) for _, a in raised)
            over = np.mean([v >= threshold for _, s in chosen for _, v in s]) if chosen else 0
            print(f"raise {threshold}: {name}: {count} false alarms in {seconds / 60:.1f} min ({count / seconds * 3600:.1f} an hour), "
                  f"{over:.2%} of looks above; {[g for g, _ in raised][:12]}", flush=True)


def in_order(ts: bytes):
    with tempfile.TemporaryDirectory() as folder:
        frames = decoded(ts, None, folder)
    return [frames[pts] for pts in sorted(frames)]


def samples(item):
    step = max(1, round(BASE_LOOK * item.fps))
    out = subprocess.Popen(["ffmpeg", "-v", "error", "-threads", "1", "-i", item.path, "-map", "0:v:0", "-vf", f"select=not(mod(n\\,{step}))", "-fps_mode",
                            "passthrough", "-pix_fmt", "yuv420p", "-f", "rawvideo", "-"], stdout=subprocess.PIPE)
    size, k = item.width * item.height, 0
    while len(data := out.stdout.read(size + 2 * ((item.width + 1) // 2) * ((item.height + 1) // 2))) >= size:
        yield k * step / item.fps, np.frombuffer(data, np.uint8, size).reshape(item.height, item.width)
        k += 1
    out.wait()


def damaged_events(args):
    """One loss in six seconds of held-out clip; did an alarm overlap the visible damage?"""
    model, events = Model(args.model), []
    for item in sets.all_items(args.data, args.pictures):
        if item.split != "test" or item.kind in ("artwork", "graphics"):
            continue
        for draw in range(args.draws):
            rng = random.Random(f"event/{item.path}/{draw}")
            yuv = content.frames(item, rng, 150, (1280, 720))
            events += event(model, yuv, rng)
    for threshold in args.thresholds:
        rule = Rule(threshold, threshold * .6)
        for name, key in (("every 0.5 s", "base"), ("every 0.5 s, and every 4th picture for 1 s after the loss", "evidence")):
            found = np.array([any(a <= e["end"] + .1 and b >= e["start"] - .1 for a, b in alarms(e[key], rule)) for e in events])
            length = np.array([e["end"] - e["start"] for e in events])
            peak = np.array([e["area"] for e in events])
            parts = "  ".join(f"{title} {found[pick].mean():.2f} of {pick.sum()}" for title, pick in
                              (("all", length >= 0), ("0.5 s or longer", length >= .5), ("area 1 % or more", peak >= .01), ("area 5 % or more", peak >= .05)))
            print(f"raise {threshold}, looks {name}: {parts}", flush=True)


def event(model, yuv, rng):
    if len(yuv) < 40:
        return []
    ts, _ = encode.encode(yuv, "h264", rng)
    with tempfile.TemporaryDirectory() as folder:
        clean = decoded(ts, None, folder)
        broken = damage(ts, rng)
        if broken is None:
            return []
        got = decoded(broken[0], None, folder)
    order = sorted(p for p in got if p in clean and got[p].shape == clean[p].shape)
    if not order:
        return []
    marks = {p: label.label(got[p], clean[p]) for p in order}
    seconds = {p: (p - order[0]) / 90000 for p in order}
    bad = [seconds[p] for p in order if marks[p].positive()]
    changed = [seconds[p] for p in order if not marks[p].untouched]
    if not bad:
        return []
    score = {p: model.score(got[p]) for p in order}
    base = order[::int(BASE_LOOK * encode.RATE)]
    near = [p for p in order if changed[0] <= seconds[p] <= changed[0] + EVIDENCE_SPAN][::int(EVIDENCE_LOOK * encode.RATE)]
    return [dict(start=bad[0], end=bad[-1], area=max((marks[p].blocks == label.VISIBLE).mean() for p in order),
                 base=[(seconds[p], score[p]) for p in base], evidence=[(seconds[p], score[p]) for p in sorted(set(base) | set(near))])]


def speed(args):
    for threads in (1, 2):
        model = Model(args.model, threads)
        for height, width in ((1088, 1920), (720, 1280), (544, 960)):
            luma = np.random.default_rng(1).integers(0, 256, (height, width), dtype=np.uint8)
            wall, cpu = [], []
            for _ in range(args.runs):
                a, b = time.perf_counter(), time.process_time()
                model.score(luma)
                wall.append(time.perf_counter() - a)
                cpu.append(time.process_time() - b)
            print(f"{width}x{height}, {threads} thread{'s' * (threads > 1)}: fastest {min(wall) * 1e3:.1f} ms, median {np.median(wall) * 1e3:.1f} ms; "
                  f"CPU time median {np.median(cpu) * 1e3:.1f} ms", flush=True)


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("command", choices=["pictures", "clean", "damage", "speed"])
    args.add_argument("--model", required=True)
    args.add_argument("--set")
    args.add_argument("--data")
    args.add_argument("--pictures")
    args.add_argument("--files", type=int, default=10**6, help="look at so many encodes only, drawn with a fixed seed")
    args.add_argument("--split", default="test")
    args.add_argument("--draws", type=int, default=3)
    args.add_argument("--runs", type=int, default=40)
    args.add_argument("--thresholds", type=lambda t: [float(v) for v in t.split(",")], default=[.8, .9, .95, .98])
    args = args.parse_args()
    {"pictures": pictures, "clean": clean, "damage": damaged_events, "speed": speed}[args.command](args)


if __name__ == "__main__":
    main()
