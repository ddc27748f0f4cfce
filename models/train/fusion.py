"""How much evidence weighs beside the network: the numbers under `fusion` in ../block_corruption/detector.yaml.

    fusion.py --streamvet bin/streamvet --set SET [--raise .95] [--rate .01]

SET is made by `streamvet inject --set` from clips of the train split alone. The engine looks at every picture of it and tells
what the network says and whether the bitstream was damaged. The weight of that is the largest with which, of pictures whose
bitstream is damaged and whose damage does not show, at most `rate` reach the threshold: a logistic regression would weigh it
so that it alone raised alarms. Without evidence the score stays as the network gives it, and so do the false alarms.
"""

import argparse
import json
import math
import os
import shutil
import subprocess
import tempfile

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

SHIPPED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "block_corruption")
# With these weights the log-odds of a score hold both: the network's (times SCALE, at most 1.4) and the evidence's (0 or STEP).
SCALE, STEP = .1, 4.


def probe(folder: str) -> None:
    """A copy of the detector that looks at every picture and whose score holds the network's word and the evidence apart."""
    shutil.copytree(SHIPPED, os.path.join(folder, "block_corruption"))
    path = os.path.join(folder, "block_corruption", "detector.yaml")
    with open(path) as f:
        lines = f.read().splitlines()
    weights = {"every": "1ms", "suspicious": "1ms", "bias": "0", "network": str(SCALE), "damaged": str(STEP)}
    done = set()
    for k, line in enumerate(lines):
        name, _, value = line.strip().partition(":")
        if name in weights and value.strip():
            lines[k] = line[:len(line) - len(line.lstrip())] + f"{name}: {weights[name]}"
            done.add(name)
    if done != set(weights):
        raise SystemExit(f"{path} has no {', '.join(sorted(set(weights) - done))}: write a fusion with any weights first")
    with open(path, "w") as f:
        f.write("\n".join(lines) + "\n")


def looks(program: str, folder: str, media: list[str]):
    """(file, time, log-odds of the network, evidence) of every picture."""
    with tempfile.TemporaryDirectory() as place:
        probe(os.path.join(place, "models"))
        out = os.path.join(place, "scores.jsonl")
        subprocess.run([program, "vet", "-q", "--device", "cpu", "-j", "1", "--threads", "1", "--models", os.path.join(place, "models"), "--only", "block_corruption",
                        "--scores", out, *[os.path.join(folder, m) for m in media]], stdout=subprocess.DEVNULL, check=False)
        with open(out) as f:
            for line in f:
                s = json.loads(line)
                p = min(max(s["score"], 1e-9), 1 - 1e-9)
                odds = math.log(p / (1 - p))
                evidence = odds > STEP / 2
                yield os.path.relpath(s["source"], folder), s["start"] + s["duration"] / 2, (odds - STEP * evidence) / SCALE, evidence


def visible(truth: dict) -> set[int]:
    return {f for e in truth["defects"] if e["defect"] == "block_corruption" and not e["invisible"] for f in e.get("frames") or range(e["start_frame"], e["end_frame"])}


def samples(program: str, folder: str):
    """Per picture: log-odds of the network, evidence, and whether it is visibly damaged."""
    with open(os.path.join(folder, "set.json")) as f:
        items = json.load(f)["items"]
    truths = {}
    for i in items:
        if "kind" not in i:
            continue  # clean: there is no evidence, and the score is the network's own
        with open(os.path.join(folder, i["truth"])) as f:
            t = json.load(f)
        truths[i["media"]] = (t, visible(t))
    rows = []
    for name, at, network, evidence in looks(program, folder, list(truths)):
        t, seen = truths[name]
        rows.append((network, evidence, int((at - t["picture_start"]) * t["fps"]) in seen))
    rows = np.array(rows)
    return rows[:, 0], rows[:, 1] > 0, rows[:, 2] > 0


def main() -> None:
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--streamvet", required=True)
    args.add_argument("--set", required=True)
    args.add_argument("--raise", dest="threshold", type=float, default=.95)
    args.add_argument("--rate", type=float, default=.01)
    args = args.parse_args()
    network, evidence, truth = samples(args.streamvet, args.set)
    print(f"{len(truth)} pictures, {truth.sum()} visibly damaged, {evidence[truth].mean():.3f} of them with evidence; of the others {evidence[~truth].mean():.3f}")
    free = LogisticRegression(C=100, class_weight="balanced").fit(np.stack([network, evidence], 1), truth)
    print(f"a regression without bounds: network {free.coef_[0][0]:.2f}, damaged {free.coef_[0][1]:.2f}, bias {free.intercept_[0]:.2f}")
    raised = math.log(args.threshold / (1 - args.threshold))
    weight = raised - np.quantile(network[evidence & ~truth], 1 - args.rate)
    print(f"damaged: {weight:.2f}")
    for w in (0, weight):
        score = network + w * evidence
        print(f"weight {w:.2f}: AUC {roc_auc_score(truth, score):.4f}; at {args.threshold}: visibly damaged {(score[truth] >= raised).mean():.3f}, "
              f"evidence alone {(score[evidence & ~truth] >= raised).mean():.4f}, neither {(score[~evidence & ~truth] >= raised).mean():.5f}")


if __name__ == "__main__":
    main()
