"""Trains the sound network.

    sound_train.py --set OUT --out sound.pt [--steps 3000]

Every 100 steps it writes the exponential average of the weights to sound.pt and all that it needs to go on to sound.pt.state; started again, it
goes on from there, with the files that are there by then. Prints the AUC a step on the val split now and then.
"""

import argparse
import os
import time

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.metrics import roc_auc_score

from sound_data import EDGE_MS, WINDOW_MS, Batches, load
from sound_defects import KINDS
from sound_net import SoundNet

AVERAGE = .995
WEIGHT = torch.tensor([1., 2.])[:, None]  # of a step with the defect: stutters are few steps


def loss_of(logits, present, known):
    weight = known.float() * torch.where(present, WEIGHT, torch.tensor(1.))
    each = F.binary_cross_entropy_with_logits(logits, present.float(), reduction="none")
    return ((each * weight).sum((0, 2)) / weight.sum((0, 2)).clamp(min=1)).sum()


def scores(net, rows, most=400, seed=0):
    """Logits, present and known of windows spread over the rows, each [n, kinds, STEPS]."""
    rng = np.random.default_rng(seed)
    picks = [(r, at) for r in rows for at in range(EDGE_MS, r.last(), WINDOW_MS)]
    picks = [picks[k] for k in rng.permutation(len(picks))[:most]]
    out = []
    net.eval()
    with torch.no_grad():
        for k in range(0, len(picks), 16):
            crops = [r.crop(at) for r, at in picks[k:k + 16]]
            out.append(net(torch.from_numpy(np.stack([c[0] for c in crops])[:, None])))
    crops = [r.crop(at) for r, at in picks]
    return torch.cat(out).numpy(), np.stack([c[1] for c in crops]), np.stack([c[2] for c in crops])


def report(net, rows, most=400):
    logits, present, known = scores(net, rows, most)
    parts = []
    for k, kind in enumerate(KINDS):
        truth, score = present[:, k][known[:, k]], logits[:, k][known[:, k]]
        if not truth.any():
            continue
        limit = np.quantile(score[~truth], .99)
        parts.append(f"{kind} {roc_auc_score(truth, score):.3f}/{(score[truth] > limit).mean():.2f}")
    return "  ".join(parts)


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--set", required=True)
    args.add_argument("--out", required=True)
    args.add_argument("--steps", type=int, default=3000)
    args.add_argument("--rate", type=float, default=3e-3, help="highest learning rate")
    args.add_argument("--init", help="weights to start from, for a further round")
    args.add_argument("--seed", type=int, default=1)
    args = args.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    rows, val = load(os.path.join(args.set, "train")), load(os.path.join(args.set, "val"))
    net = SoundNet()
    if args.init:
        net.load_state_dict(torch.load(args.init, weights_only=True)["weights"])
    print(f"{len(rows)} programmes, {sum(bool(r.spots) for r in rows)} with defects, {len({r.group for r in rows})} groups; "
          f"{sum(p.numel() for p in net.parameters())} parameters", flush=True)
    train(net, Batches(rows, np.random.default_rng(args.seed)), val, args)


def train(net, batches, val, args):
    average = torch.optim.swa_utils.AveragedModel(net, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(AVERAGE), use_buffers=True)
    optimiser = torch.optim.AdamW(net.parameters(), lr=args.rate, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, args.rate, total_steps=args.steps + 1, pct_start=.08)
    parts, first, state = dict(net=net, average=average, optimiser=optimiser, schedule=schedule), 1, args.out + ".state"
    if os.path.exists(state):
        stored = torch.load(state, weights_only=True)
        first = stored.pop("step") + 1
        for name, part in parts.items():
            part.load_state_dict(stored[name])
        batches.rng = np.random.default_rng(args.seed + first)
        print(f"goes on at step {first}", flush=True)
    begin, mean = time.time(), None
    for step in range(first, args.steps + 1):
        net.train()
        x, present, known = batches.next()
        logits = net(x)
        loss = loss_of(logits, present, known)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5.)
        optimiser.step()
        schedule.step()
        average.update_parameters(net)
        batches.learn(logits.detach(), present, known)
        mean = loss.item() if mean is None else .98 * mean + .02 * loss.item()
        if step % 50 == 0:
            print(f"step {step}  loss {mean:.4f}  hard {len(batches.hard)}  {time.time() - begin:.0f} s", flush=True)
        if step % 100 == 0 or step == args.steps:
            torch.save(dict(shape=net.shape, weights=average.module.state_dict()), args.out)
            torch.save(dict(step=step, **{name: part.state_dict() for name, part in parts.items()}), state)
        if val and (step % 300 == 0 or step == args.steps):
            print(f"step {step}  val AUC/recall at 1 %: {report(average.module, val)}", flush=True)


if __name__ == "__main__":
    main()
