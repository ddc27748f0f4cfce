"""The mean of the weights of networks that grew out of one another: average.py --set OUT/main --out net.pt A B [C ...]

Each further round of training learns the train split's content a little more by heart. The mean of the weights before and after keeps what
was learnt and forgets some of that (WiSE-FT, Wortsman et al., CVPR 2022, arXiv 2109.01903). The networks are .pt or shipped .onnx
files; the norms' statistics are taken anew. Prints the AUC on the val split of each, and of the mean.
"""

import argparse
import os
import random

import torch

from crops import Batches, load
from net import BlockNet
from train import report, start


def mean(nets: list[BlockNet], images: torch.Tensor) -> BlockNet:
    states = [net.state_dict() for net in nets]
    net = BlockNet(**nets[0].shape)
    net.load_state_dict({name: sum(s[name] for s in states) / len(states) if value.is_floating_point() else value for name, value in states[0].items()})
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.reset_running_stats()
            module.momentum = None  # the mean over all batches
    with torch.no_grad():
        for batch in images.split(32):
            net.train()(batch)
    return net.eval()


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--set", required=True)
    args.add_argument("--out", required=True)
    args.add_argument("networks", nargs="+")
    args = args.parse_args()
    torch.set_num_threads(1)
    batches = Batches(load(os.path.join(args.set, "train")), random.Random(3))
    images = torch.cat([batches.next()[0] for _ in range(16)])
    val = load(os.path.join(args.set, "val"))
    val = random.Random(0).sample(val, min(len(val), 450))
    nets = [start(path, images) for path in args.networks]
    whole = mean(nets, images)
    for name, net in zip([*args.networks, "mean"], [*nets, whole]):
        print(f"{name}: {report(net, val)}", flush=True)
    torch.save(dict(shape=whole.shape, weights=whole.state_dict()), args.out)


if __name__ == "__main__":
    main()
