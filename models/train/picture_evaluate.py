"""Measures the shipped picture network. Every number of ../distortion/card.md comes from one of these commands.

    picture_evaluate.py set    --model M --set OUT/picture/test         held-out groups, random strengths: AUC, recall, pairs, cross-alarms
    picture_evaluate.py set    --model M --set OUT/picture-2/test       the same at level 2 of the ladder (or another), by the tool that made it
    picture_evaluate.py clean  --model M --clips CLIPS --pictures WALLPAPERS [--split test]   false alarms an hour, under the temporal rule
    picture_evaluate.py sheet  --model M --set OUT/picture/test --out worst.png               the worst held-out cases as a picture
    picture_evaluate.py speed  --model M
"""

import argparse
import random
import time

import numpy as np
import onnxruntime
from PIL import Image
from sklearn.metrics import roc_auc_score

import evaluate
import picture_distort as distort
import picture_sources as sources
from alarms import Rule, alarms
from picture_data import load
from picture_distort import DEFECTS, REFERENCE

LOOK = .5                                      # seconds between the looks of evaluate.samples
RULE = Rule(.5, .4, count=1)                   # as in detector.yaml, where looks are half as many
CLEAN_ENCODE = ["-c:v", "libx264", "-preset", "veryfast"]


class Model:
    def __init__(self, path: str, threads: int = 1):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.defects = [o.name for o in self.session.get_outputs()]

    def scores(self, luma: np.ndarray) -> np.ndarray:
        """[defects] of one picture, cut to whole macroblocks."""
        height, width = luma.shape
        luma = np.ascontiguousarray(luma[: height // 16 * 16, : width // 16 * 16])
        return np.concatenate(self.session.run(self.defects, {"luma": luma[None, None]}), axis=None)


def measured(model, folder):
    """Scores [n, defects] of all pictures of a set, and for each its variant, its window's meta, and the number of its clean twin."""
    scores, variants, metas, twins = [], [], [], []
    for window in load(folder):
        pictures, begin = window.pictures(), len(scores)
        clean = {v["frame"]: begin + k for k, v in enumerate(window.variants) if not v["defect"]}
        for picture, variant in zip(pictures, window.variants):
            scores.append(model.scores(picture))
            variants.append(variant)
            metas.append(window.meta)
            twins.append(clean[variant["frame"]])
    return np.array(scores), variants, metas, np.array(twins)


def of_set(args):
    model = Model(args.model)
    scores, variants, metas, twins = measured(model, args.set)
    kind = np.array([m["kind"] for m in metas])
    defect = np.array([v["defect"] for v in variants])
    visible = np.array([v["visible"] for v in variants])
    how = np.array([v["how"] for v in variants])
    clean = defect == ""
    print(f"{clean.sum()} clean pictures of {len({m['group'] for m in metas})} groups")
    for k, name in enumerate(model.defects):
        strength = np.array([v["strength"] / REFERENCE[name] if v["defect"] == name else 0 for v in variants])
        hit, negative = defect == name, scores[clean, k]
        print(f"== {name}: {(negative >= .5).mean():.4f} of the clean pictures at 0.5 or above")
        line("all", scores[:, k], hit, negative, twins)
        line("of these, not gone after the last encode", scores[:, k], hit & visible, negative, twins)
        for low, high in ((0, .7), (.7, 1.05), (1.05, 2), (2, 4), (4, 99)):
            line(f"visible, {low:g} to {high:g} of the reference", scores[:, k], hit & visible & (strength >= low) & (strength < high), negative, twins)
        for other in sorted(set(kind)):
            line(f"visible, content {other}", scores[:, k], hit & visible & (kind == other), scores[clean & (kind == other), k], twins)
        for tool in sorted(set(how[hit])):
            line(f"visible, made by {tool}", scores[:, k], hit & visible & (how == tool), negative, twins)
        for other in model.defects:
            said = scores[(defect == other) & visible, k]
            if other != name and len(said):
                print(f"  says {name} of {(said >= .5).mean():.3f} of {len(said)} pictures with {other}")


def line(title, scores, hit, negative, twins):
    if not hit.any() or not len(negative):
        return
    positive = scores[hit]
    auc = roc_auc_score(np.r_[np.ones(len(positive)), np.zeros(len(negative))], np.r_[positive, negative])
    recall = (positive > np.quantile(negative, .99)).mean()
    above = (positive > scores[twins[hit]]).mean()
    print(f"  {title}: {len(positive)} against {len(negative)} clean  AUC {auc:.3f}  recall at 1 % {recall:.2f}  at 0.5 {(positive >= .5).mean():.2f}  "
          f"above its clean twin {above:.3f}  mean {positive.mean():.2f}")


def clean_material(args):
    """Held-out clips as they are, and pans over held-out pictures and generated scenes at CRF 18 to 30."""
    model, looks = Model(args.model), []
    for item in sources.items(args.clips, args.pictures):
        if args.split not in ("any", item.split):
            continue
        if item.path and item.kind not in ("photo", "artwork"):
            series = [(at, model.scores(luma)) for at, luma in evaluate.samples(item)]  # every half second as well
        else:
            series = pan(model, item)
        if series:
            looks.append((item, series))
    for k, name in enumerate(model.defects):
        raised, seconds, over, peak = [], 0., [], []
        for item, series in looks:
            seconds += series[-1][0] + LOOK
            over += [s[k] >= .5 for _, s in series]
            peak.append((max(s[k] for _, s in series), item.group))
            raised += [item.group for _ in alarms([(at, s[k]) for at, s in series], RULE)]
        print(f"{name}: {len(raised)} false alarms in {seconds / 60:.1f} min of {len(looks)} clips and scenes, {np.mean(over):.4f} of {len(over)} looks above; "
              f"{raised[:12]}; loudest {[(round(float(p), 2), g) for p, g in sorted(peak)[-6:]]}", flush=True)


def pan(model, item):
    rng = random.Random("clean" + item.group + item.path)
    yuv = sources.window(item, rng, 60, rng.choice([(640, 352), (1280, 720)]))
    luma = distort.coded(yuv, [*CLEAN_ENCODE, "-crf", str(rng.choice([18, 22, 26, 30]))], "", "gray")
    return [(k / 25, model.scores(luma[k])) for k in range(0, len(luma), 12)]


def sheet(args):
    """For each defect the loudest clean pictures and the quietest visible ones from the reference on, a middle part of each."""
    model = Model(args.model)
    scores, variants, metas, _ = measured(model, args.set)
    pictures = [(w, k) for w in load(args.set) for k in range(len(w.variants))]
    defect, rows = np.array([v["defect"] for v in variants]), []
    for k, name in enumerate(model.defects):
        clean = np.flatnonzero(defect == "")
        hit = np.flatnonzero([v["defect"] == name and v["visible"] and v["strength"] >= REFERENCE[name] for v in variants])
        for chosen in (clean[np.argsort(-scores[clean, k])], hit[np.argsort(scores[hit, k])]):
            some, seen = [], set()
            for i in chosen:
                if metas[i]["group"] not in seen and len(some) < 6:
                    seen.add(metas[i]["group"])
                    some.append(i)
            print(name, "false" if chosen is not None and defect[chosen[0]] == "" else "missed",
                  [(round(float(scores[i, k]), 2), metas[i]["group"], variants[i]["how"]) for i in some])
            rows.append(np.concatenate([middle(pictures[i][0].pictures()[pictures[i][1]]) for i in some] + [np.zeros((160, 280 * (6 - len(some))), np.uint8)], 1))
    Image.fromarray(np.concatenate(rows)).save(args.out)


def middle(luma, width=280, height=160):
    out = np.zeros((height, width), np.uint8)
    y, x = max(0, (luma.shape[0] - height) // 2), max(0, (luma.shape[1] - width) // 2)
    part = luma[y:y + height, x:x + width]
    out[:part.shape[0], :part.shape[1]] = part
    return out


def speed(args):
    model = Model(args.model)
    for height, width in ((1088, 1920), (720, 1280), (352, 640), (176, 320)):
        luma = np.random.default_rng(1).integers(0, 256, (height, width), dtype=np.uint8)
        spent = []
        for _ in range(40):
            begin = time.process_time()
            model.scores(luma)
            spent.append(time.process_time() - begin)
        print(f"{width}x{height}, one thread: {min(spent) * 1e3:.1f} ms of CPU time at best, median {np.median(spent) * 1e3:.1f} ms")


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("command", choices=["set", "clean", "sheet", "speed"])
    args.add_argument("--model", required=True)
    args.add_argument("--set")
    args.add_argument("--clips", default="")
    args.add_argument("--pictures", default="")
    args.add_argument("--split", default="test")
    args.add_argument("--out", default="worst.png")
    args = args.parse_args()
    {"set": of_set, "clean": clean_material, "sheet": sheet, "speed": speed}[args.command](args)


if __name__ == "__main__":
    main()
