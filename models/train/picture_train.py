"""Trains the learned layers of the network of picture distortions.

    picture_train.py --set OUT --out picture.pt [--epochs 40]

The statistics of all pictures come first and are kept beside them, so that a run that was stopped goes on there; the layers take a minute.
"""

import argparse
import os
import random

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.metrics import roc_auc_score

from picture_data import Samples, load, samples
from picture_distort import DEFECTS, REFERENCE
from picture_net import PictureNet

BATCH = 512


def loss_of(logits, want, known, weight):
    """Cross entropy to the wanted score; distorted pictures, the rarer, weigh more."""
    each = F.binary_cross_entropy_with_logits(logits, want, reduction="none")
    importance = known * torch.where(want > 0, 3., 1.) * weight[:, None]
    return (each * importance).sum() / importance.sum()


def fit(net: PictureNet, data: Samples, epochs: int, rate: float, seed: int) -> list[float]:
    """Each member sees all groups but its share. Returns the mean loss of each epoch of the last member."""
    torch.manual_seed(seed)
    x, want, known = (torch.from_numpy(v) for v in (data.statistics, data.want, data.known))
    net.mean, net.deviation = x.mean(0), x.std(0).clamp(min=1e-2)
    x = net.normal(x)
    codes = group_numbers(data)
    size = np.bincount(codes)
    weight = torch.from_numpy((size / size.mean()) ** -.5)[codes].float()  # a group with many windows does not outweigh the others
    losses = []
    for k in range(len(net.members)):
        mine = torch.from_numpy(np.flatnonzero(codes % len(net.members) != k if 1 < len(net.members) < len(size) else codes >= 0))
        losses = fit_member(net, k, x[mine], want[mine], known[mine], weight[mine], epochs, rate)
    return losses


def group_numbers(data: Samples) -> np.ndarray:
    return np.unique(data.groups, return_inverse=True)[1]


def held_out(net: PictureNet, data: Samples) -> np.ndarray:
    """Logits of what a network was trained on, each by the member that never saw its group."""
    codes = group_numbers(data) % len(net.members)
    with torch.no_grad():
        x = net.eval().normal(torch.from_numpy(data.statistics))
        each = torch.stack([net.member(k, x) for k in range(len(net.members))]).numpy()
    return each[codes, np.arange(len(codes))]


def fit_member(net, k, x, want, known, weight, epochs, rate):
    net.train()
    optimiser = torch.optim.AdamW(net.members[k].parameters(), rate, weight_decay=.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, epochs=epochs, steps_per_epoch=-(-len(x) // BATCH), pct_start=.15)
    losses = []
    for _ in range(epochs):
        total = 0.
        for batch in torch.randperm(len(x)).split(BATCH):
            noisy = x[batch] + .05 * torch.randn_like(x[batch])
            loss = loss_of(net.member(k, noisy), want[batch], known[batch], weight[batch])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            total += loss.item() * len(batch)
        losses.append(total / len(x))
    return losses


def logits_of(net: PictureNet, data: Samples) -> np.ndarray:
    with torch.no_grad():
        return net.eval()(torch.from_numpy(data.statistics)).numpy()


def report(net: PictureNet, data: Samples) -> str:
    logits, clean, out = logits_of(net, data), data.clean, []
    for k, defect in enumerate(DEFECTS):
        hit = np.array([v["defect"] == defect and v["visible"] for v in data.variants])
        ratio = np.array([v["strength"] for v in data.variants]) / REFERENCE[defect]
        parts = []
        for some in (hit & (ratio < .8), hit & (ratio >= .8) & (ratio < 1.3), hit & (ratio >= 1.3)):
            auc = roc_auc_score(some[some | clean], logits[some | clean, k]) if some.any() and clean.any() else np.nan
            recall = (logits[some, k] > np.quantile(logits[clean, k], .99)).mean() if some.any() else np.nan
            parts.append(f"{auc:.3f} ({recall:.2f} of {some.sum()})")
        out.append(f"{defect:12} below {parts[0]}  at {parts[1]}  above {parts[2]}")
    return f"AUC and recall at 1 % against {clean.sum()} clean looks, below, at and above the reference:\n" + "\n".join(out)


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--set", required=True)
    args.add_argument("--out", required=True)
    args.add_argument("--epochs", type=int, default=100)
    args.add_argument("--rate", type=float, default=4e-3)
    args.add_argument("--seed", type=int, default=1)
    args = args.parse_args()
    torch.set_num_threads(1)
    random.seed(args.seed)
    train = samples(load(os.path.join(args.set, "train"), training=True), random_looks=True)
    net = PictureNet()
    print(f"{len(train.windows)} looks, {len(set(train.groups))} groups, {train.statistics.shape[1]} statistics; "
          f"{sum(p.numel() for p in net.parameters())} parameters", flush=True)
    print("loss", [round(v, 4) for v in fit(net, train, args.epochs, args.rate, args.seed)[:: max(1, args.epochs // 8)]])
    torch.save(dict(shape=net.shape, weights=net.state_dict()), args.out)
    print(report(net, samples(load(os.path.join(args.set, "val")))))


if __name__ == "__main__":
    main()
