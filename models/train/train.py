"""Trains the network.

    train.py --set OUT/main --out net.pt [--steps 6000]

Every 250 steps it writes the exponential average of the weights to net.pt and all that it needs to go on to net.pt.state;
started again, it goes on from there, with the pictures that are there by then. Prints the AUC on the val split now and then.
"""

import argparse
import os
import random
import time

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.metrics import roc_auc_score

from crops import CLEAN_ENCODE, CONCEALED, DAMAGED, Batches, load
from label import CLEAN, IGNORE, VISIBLE
from net import BlockNet, pooled
from unfold import unfold

AVERAGE = .998
SEARCH = 100  # steps from one search for hard crops to the next


def loss_of(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Masked cross entropy a macroblock, and one on the four strongest blocks of the crop, which is what the score looks at."""
    logits, weight = logits[:, 0], (labels != IGNORE).float()
    blocks = F.binary_cross_entropy_with_logits(logits, (labels == VISIBLE).float(), reduction="none")
    strongest = torch.where(labels == IGNORE, -20., logits).flatten(1).topk(4).values.mean(1)
    visible = (labels == VISIBLE).flatten(1).sum(1)
    sure = (visible >= 3) | (labels == CLEAN).flatten(1).all(1)
    crops = F.binary_cross_entropy_with_logits(strongest[sure], (visible[sure] >= 3).float())
    return (blocks * weight).sum() / weight.sum() + crops


def score(net: BlockNet, pictures) -> np.ndarray:
    """[n, len(POOL_SIZES)]"""
    net.eval()
    with torch.no_grad():
        return np.array([pooled(net(torch.from_numpy(np.array(p.luma()))[None, None].float() / 255))[0].numpy() for p in pictures])


def report(net, pictures) -> str:
    scores = score(net, pictures)
    kinds = np.array([p.kind for p in pictures])
    truth, known = kinds == DAMAGED, kinds != CONCEALED
    easy = known & (kinds != CLEAN_ENCODE)
    return "  ".join(f"k{k}: AUC {roc_auc_score(truth[known], scores[known, k]):.4f} without clean encodes {roc_auc_score(truth[easy], scores[easy, k]):.4f}"
                     for k in range(scores.shape[1]))


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--set", required=True)
    args.add_argument("--out", required=True)
    args.add_argument("--steps", type=int, default=6000)
    args.add_argument("--init", help="weights to start from, for a further round: net.pt, or the .onnx of a shipped network")
    args.add_argument("--rate", type=float, default=4e-3, help="highest learning rate")
    args.add_argument("--seed", type=int, default=1)
    args.add_argument("--threads", type=int, default=1)
    args = args.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    rng = random.Random(args.seed)
    pictures, val = load(os.path.join(args.set, "train")), load(os.path.join(args.set, "val"))
    val = random.Random(0).sample(val, min(len(val), 250))
    batches = Batches(pictures, rng)
    net = start(args.init, torch.cat([batches.next()[0] for _ in range(16)]))
    net = net.to(memory_format=torch.channels_last)  # twice as fast on a CPU
    print(f"{len(pictures)} pictures, {sum(p.kind == DAMAGED for p in pictures)} damaged, {len({p.meta['group'] for p in pictures})} groups; "
          f"{sum(p.numel() for p in net.parameters())} parameters", flush=True)
    train(net, batches, val, args)


def start(init: str | None, images: torch.Tensor) -> BlockNet:
    """A new network, or that of a file; images as unfold() takes them."""
    if init and init.endswith(".onnx"):
        return unfold(init, images)
    net = BlockNet()
    if init:
        net.load_state_dict(torch.load(init, weights_only=True)["weights"])
    return net


def train(net, batches, val, args):
    average = torch.optim.swa_utils.AveragedModel(net, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(AVERAGE), use_buffers=True)
    optimiser = torch.optim.AdamW([p for p in net.parameters() if p.requires_grad], lr=args.rate, weight_decay=1e-3)
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
        net.train()
        images, labels = batches.next()
        logits = net(images.to(memory_format=torch.channels_last))
        loss = loss_of(logits, labels)
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
        schedule.step()
        average.update_parameters(net)
        batches.learn(images, labels, logits.detach().flatten(1).topk(4).values.mean(1))
        if step % SEARCH == 0:
            with torch.no_grad():
                batches.search(average.module.eval())
        mean = loss.item() if mean is None else .98 * mean + .02 * loss.item()
        if step % 50 == 0:
            print(f"step {step}  loss {mean:.4f}  hard {len(batches.hard)}  {time.time() - begin:.0f} s", flush=True)
        if step % 250 == 0 or step == args.steps:
            torch.save(dict(shape=net.shape, weights=average.module.state_dict()), args.out)
            torch.save(dict(step=step, **{name: part.state_dict() for name, part in parts.items()}), state)
        if val and (step % 1000 == 0 or step == args.steps):
            print(f"step {step}  val {report(average.module, val)}", flush=True)


if __name__ == "__main__":
    main()
