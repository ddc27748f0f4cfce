"""Trains the network of picture distortions.

    picture_train.py --set OUT --out picture.pt [--steps 3000] [--init earlier.pt]

Every 250 steps the average of the weights goes to picture.pt, and all that is needed to go on to picture.pt.state.
"""

import argparse
import os
import random
import time

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.metrics import roc_auc_score

from picture_data import Batches, load, looks
from picture_distort import DEFECTS, REFERENCE
from picture_net import PictureNet

AVERAGE = .995


def loss_of(logits, want, known):
    """Cross entropy to the wanted score, which is highest where the score is it; distorted pictures, the rarer, weigh more."""
    each = F.binary_cross_entropy_with_logits(logits, want, reduction="none") * known * torch.where(want > 0, 3., 1.)
    return each.sum() / known.sum()


def score(net, windows):
    """(logits [n, defects], variants, windows) of all pictures as seen at run time."""
    net.eval()
    logits, variants, of = [], [], []
    with torch.no_grad():
        for window in windows:
            for patches, variant in looks(window):
                logits.append(net(patches)[0].numpy())
                variants.append(variant)
                of.append(window)
    return np.array(logits), variants, of


def report(net, windows) -> str:
    logits, variants, _ = score(net, windows)
    clean = np.array([not v["defect"] for v in variants])
    out = []
    for k, defect in enumerate(DEFECTS):
        hit = np.array([v["defect"] == defect and v["visible"] for v in variants])
        strong = hit & np.array([v["strength"] >= .9 * REFERENCE[defect] for v in variants])
        parts = [f"{roc_auc_score(m[m | clean], logits[m | clean, k]):.3f}" if m.any() else "-" for m in (hit, strong)]
        out.append(f"{defect} {'/'.join(parts)}")
    return "  ".join(out) + "  (AUC visible / from the reference on)"


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--set", required=True)
    args.add_argument("--out", required=True)
    args.add_argument("--steps", type=int, default=3000)
    args.add_argument("--init", help="weights to start from, for a further round")
    args.add_argument("--rate", type=float, default=3e-3)
    args.add_argument("--seed", type=int, default=1)
    args = args.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    windows = load(os.path.join(args.set, "train"), training=True)
    val = load(os.path.join(args.set, "val"))
    val = random.Random(0).sample(val, min(len(val), 80))
    net = PictureNet()
    if args.init:
        net.load_state_dict(torch.load(args.init, weights_only=True)["weights"])
    net = net.to(memory_format=torch.channels_last)
    print(f"{len(windows)} windows, {len({w.group for w in windows})} groups; {sum(p.numel() for p in net.parameters())} parameters", flush=True)
    train(net, Batches(windows, random.Random(args.seed)), val, args)


def train(net, batches, val, args):
    average = torch.optim.swa_utils.AveragedModel(net, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(AVERAGE), use_buffers=True)
    optimiser = torch.optim.AdamW(net.parameters(), args.rate, weight_decay=2e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, args.rate, total_steps=args.steps, pct_start=.1)
    parts = dict(net=net, average=average, optimiser=optimiser, schedule=schedule)
    first, state = 1, args.out + ".state"
    if os.path.exists(state):
        stored = torch.load(state, weights_only=True)
        first = stored.pop("step") + 1
        for name, part in parts.items():
            part.load_state_dict(stored[name])
        batches.rng.seed(args.seed + first)
        print(f"goes on at step {first}", flush=True)
    begin, mean = time.time(), None
    for step in range(first, args.steps + 1):
        loss = one_step(net, batches, optimiser)
        schedule.step()
        average.update_parameters(net)
        mean = loss if mean is None else .98 * mean + .02 * loss
        if step % 50 == 0:
            print(f"step {step}  loss {mean:.4f}  {time.time() - begin:.0f} s", flush=True)
        if step % 250 == 0 or step == args.steps:
            torch.save(dict(shape=net.shape, weights=average.module.state_dict()), args.out)
            torch.save(dict(step=step, **{name: part.state_dict() for name, part in parts.items()}), state)
        if val and (step % 500 == 0 or step == args.steps):
            print(f"step {step}  val  {report(average.module, val)}", flush=True)


def one_step(net, batches, optimiser) -> float:
    net.train()
    images, want, known, chosen = batches.next()
    with torch.autocast("cpu", torch.bfloat16):  # half the time on processors that have it
        logits = net(images).float()
    loss = loss_of(logits, want, known)
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    batches.learn(chosen, logits.detach()[:: batches.twins + 1].max(1).values.tolist())
    return loss.item()


if __name__ == "__main__":
    main()
