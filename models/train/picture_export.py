"""Trained weights to the ONNX file that streamvet embeds, calibrated.

    picture_export.py --weights picture.pt --set OUT --out distortion.onnx

A score of 0.5 is where --alarms of the clean looks at footage, and --drawn-alarms of those at photographs, artwork and generated pictures,
lie at or above, plus a margin: looks of the val split, and of the train split by the member that never saw their group. A group
of looks counts as much as any other. The file is checked: onnx.checker, names, size, parity with PyTorch at many sizes.
"""

import argparse
import os

import numpy as np
import onnx
import torch
from torch import nn

import export
from picture_data import load, samples
from picture_distort import DEFECTS
from picture_net import Looker, PictureNet, Statistics
from picture_train import held_out, logits_of

# Pictures that parity is taken over: (n, height, width), smaller than a patch too.
SIZES = (1, 288, 352), (2, 720, 1280), (3, 144, 1920), (1, 128, 128), (1, 176, 320), (1, 1088, 1920), (2, 64, 96)

FOOTAGE = ["natural", "overlay", "rendered", "screen", "animation"]
MARGIN = {"blur": .4, "noise": .4, "banding": 0, "compression": .4, "upscaling": 0}  # logits; none where few clean pictures come near
OPSET, MAX_BYTES, PARITY = 17, 2_000_000, 1e-4


class Shipped(nn.Module):
    """uint8 luma [N,1,H,W] to one score [N,1] a defect, 0..1."""

    def __init__(self, net: PictureNet, offsets):
        super().__init__()
        self.looker, self.statistics = Looker(), Statistics()
        self.layers = merged(net, self.statistics, torch.as_tensor(offsets, dtype=torch.float32))

    def forward(self, luma):
        return torch.sigmoid(self.layers(self.statistics.columns(self.looker(luma)))).split(1, 1)


def merged(net: PictureNet, statistics: Statistics, offsets) -> nn.Module:
    """Columns of the statistics [N, columns] to logits less offsets [N, defects]: all small networks side by side, as if they were one.

    The first layer makes normal statistics; in the next each network has zeros where it does not read, and in the third where others are."""
    members, (small, *_) = len(net.members), net.members[0]
    width = small[0].out_features
    each = [(getattr(net, "reads_" + defect), layers) for member in net.members for defect, layers in zip(DEFECTS, member)]
    first = torch.zeros(len(each) * width, len(net.mean))
    for n, (reads, layers) in enumerate(each):
        first[n * width:(n + 1) * width, reads] = layers[0].weight.data
    last = torch.cat([torch.block_diag(*(layers[6].weight.data for layers in member)) for member in net.members], 1) / members
    shifts = [torch.cat([layers[k].bias.data for _, layers in each]) for k in (0, 3, 6)]
    return nn.Sequential(linear(statistics.mix / net.deviation[:, None], (statistics.shift - net.mean) / net.deviation), nn.Hardtanh(-4, 4),
                         linear(first, shifts[0]), nn.ReLU(),
                         linear(torch.block_diag(*(layers[3].weight.data for _, layers in each)), shifts[1]), nn.ReLU(),
                         linear(last, shifts[2].reshape(members, -1).mean(0) - offsets))


def linear(weight, bias) -> nn.Linear:
    layer = nn.Linear(weight.shape[1], weight.shape[0])
    layer.weight.data, layer.bias.data = weight.float(), bias.float()
    return layer


def load_net(path: str) -> PictureNet:
    stored = torch.load(path, weights_only=True)
    net = PictureNet(**stored["shape"])
    net.load_state_dict(stored["weights"])
    return net.eval()


def calibrate(net: PictureNet, train, val, alarms: float, drawn_alarms: float) -> np.ndarray:
    """Logits that so few of the clean looks reach, plus MARGIN. Looks of val, and of train by the member that did not see their group."""
    logits = np.concatenate([held_out(net, train)[train.clean], logits_of(net, val)[val.clean]])
    windows = [w for data in (train, val) for w, clean in zip(data.windows, data.clean) if clean]
    groups, kinds = np.array([w.group for w in windows]), np.array([w.meta["kind"] for w in windows])
    weight = 1 / np.array([np.sum(groups == g) for g in groups])
    offsets = []
    for k, defect in enumerate(DEFECTS):
        limits = [weighted_quantile(logits[some, k], weight[some], 1 - share)
                  for some, share in ((np.isin(kinds, FOOTAGE), alarms), (~np.isin(kinds, FOOTAGE), drawn_alarms)) if some.any()]
        offsets.append(max(limits) + MARGIN[defect])
    return np.array(offsets)


def weighted_quantile(values, weight, q) -> float:
    order = np.argsort(values)
    share = np.cumsum(weight[order]) / weight.sum()
    return float(values[order][min(np.searchsorted(share, q), len(values) - 1)])


def write(model: Shipped, path: str) -> None:
    dynamic = {"luma": {0: "n", 2: "h", 3: "w"}, **{name: {0: "n"} for name in DEFECTS}}
    torch.onnx.export(model, torch.zeros(2, 1, 288, 352, dtype=torch.uint8), path, opset_version=OPSET, input_names=["luma"],
                      output_names=DEFECTS, dynamic_axes=dynamic, dynamo=False)
    onnx.checker.check_model(onnx.load(path), full_check=True)
    if os.path.getsize(path) > MAX_BYTES:
        raise ValueError(f"{path} is larger than {MAX_BYTES} bytes")


def largest_difference(model: Shipped, path: str) -> float:
    return export.largest_difference(model, path, DEFECTS, SIZES)


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--weights", required=True)
    args.add_argument("--set", required=True)
    args.add_argument("--out", required=True)
    args.add_argument("--alarms", type=float, default=.005)
    args.add_argument("--drawn-alarms", type=float, default=.05)
    args = args.parse_args()
    torch.set_num_threads(1)
    net = load_net(args.weights)
    offsets = calibrate(net, *(samples(load(os.path.join(args.set, split))) for split in ("train", "val")), args.alarms, args.drawn_alarms)
    print("offsets", dict(zip(DEFECTS, offsets.round(3).tolist())))
    model = Shipped(net, offsets).eval()
    write(model, args.out)
    difference = largest_difference(model, args.out)
    print(f"{args.out}: {os.path.getsize(args.out)} bytes, opset {OPSET}, largest difference to PyTorch {difference:.1e}")
    if difference > PARITY:
        raise SystemExit(f"the ONNX file differs from PyTorch by {difference}, more than {PARITY}")


if __name__ == "__main__":
    main()
