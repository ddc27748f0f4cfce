"""Trained weights to the ONNX file that streamvet embeds.

    export.py --weights net.pt --set OUT/main --out block_corruption.onnx

Fits the picture score on the val split (logistic regression on the pooled logits, both classes weighing the same), folds the
batch norms and the 1/255 into the convolutions, and checks the file: onnx.checker, names, size, parity with PyTorch.
"""

import argparse
import os
import random

import numpy as np
import onnx
import onnxruntime
import torch
from sklearn.linear_model import LogisticRegression
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from crops import CONCEALED, DAMAGED, load
from net import BlockNet, Conv, pooled
from train import score

OPSET, MAX_BYTES, PARITY = 17, 1_000_000, 1e-4


class Shipped(nn.Module):
    """uint8 luma [N,1,H,W] -> score [N], map [N,1,H/16,W/16], both 0..1."""

    def __init__(self, net: BlockNet, weights: np.ndarray, bias: float):
        super().__init__()
        self.net = net
        self.score = nn.Linear(len(weights), 1)
        self.score.weight.data = torch.tensor(weights, dtype=torch.float32)[None]
        self.score.bias.data = torch.tensor([bias], dtype=torch.float32)

    def forward(self, luma):
        logits = self.net(luma.float())
        return torch.sigmoid(self.score(pooled(logits)))[:, 0], torch.sigmoid(logits)


def load_net(path: str) -> BlockNet:
    stored = torch.load(path, weights_only=True)
    net = BlockNet(**stored["shape"])
    net.load_state_dict(stored["weights"])
    return net.eval()


def fold(net: BlockNet) -> BlockNet:
    for module in net.modules():
        if isinstance(module, Conv):
            module.conv, module.norm = fuse_conv_bn_eval(module.conv, module.norm), nn.Identity()
    net.differences.weight.data /= 255  # exact, also at the border: the padding is black in both
    return net


def calibrate(net: BlockNet, pictures) -> tuple[np.ndarray, float]:
    """Weights and bias of P(visible damage), as if half of the pictures were damaged. No weight is negative: more strong blocks, more score."""
    pictures = [p for p in pictures if p.kind != CONCEALED]
    features, truth = score(net, pictures), np.array([p.kind == DAMAGED for p in pictures])
    used = list(range(features.shape[1]))
    while True:
        fit = LogisticRegression(C=1.0, class_weight="balanced", max_iter=1000).fit(features[:, used], truth)
        if (fit.coef_[0] >= 0).all():
            break
        used.pop(int(fit.coef_[0].argmin()))
    weights = np.zeros(features.shape[1])
    weights[used] = fit.coef_[0]
    return weights, float(fit.intercept_[0])


def clamp_topk(path: str) -> None:
    """TopK asks for as many values as there are, at most: a small picture has fewer macroblocks than k. Other pictures: the same bits."""
    model = onnx.load(path)
    nodes = model.graph.node
    at = next(i for i, node in enumerate(nodes) if node.op_type == "TopK")
    cells, k = nodes[at].input
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.array([1], np.int64), "cells_axis"))
    nodes[at].input[1] = "cells_k"
    for i, node in enumerate((
        onnx.helper.make_node("Shape", [cells], ["cells_shape"]),
        onnx.helper.make_node("Gather", ["cells_shape", "cells_axis"], ["cells_count"], axis=0),
        onnx.helper.make_node("Min", [k, "cells_count"], ["cells_k"]),
    )):
        nodes.insert(at + i, node)
    onnx.save(model, path)


def write(model: Shipped, path: str) -> None:
    dynamic = {"luma": {0: "n", 2: "h", 3: "w"}, "score": {0: "n"}, "map": {0: "n", 2: "mh", 3: "mw"}}
    torch.onnx.export(model, torch.zeros(1, 1, 288, 352, dtype=torch.uint8), path, opset_version=OPSET, input_names=["luma"],
                      output_names=["score", "map"], dynamic_axes=dynamic, dynamo=False)
    clamp_topk(path)
    onnx.checker.check_model(onnx.load(path), full_check=True)
    if os.path.getsize(path) > MAX_BYTES:
        raise ValueError(f"{path} is larger than {MAX_BYTES} bytes")


def largest_difference(model: nn.Module, path: str, outputs=("score", "map"), sizes=((1, 288, 352), (2, 720, 1280), (3, 144, 1920))) -> float:
    """Of any output of a network of luma between PyTorch and ONNX Runtime, over pictures of (n, height, width)."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    worst, noise = 0.0, np.random.default_rng(5)
    for n, h, w in sizes:
        luma = noise.integers(0, 256, (n, 1, h, w), dtype=np.uint8)
        luma[..., : h // 2, :] = (np.add.outer(np.arange(h // 2), np.arange(w)) // 9 % 256).astype(np.uint8)
        with torch.no_grad():
            expected = model(torch.from_numpy(luma))
        for got, want in zip(session.run(list(outputs), {"luma": luma}), expected):
            worst = max(worst, float(np.abs(got - want.numpy()).max()))
    return worst


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--weights", required=True)
    args.add_argument("--set", required=True)
    args.add_argument("--out", required=True)
    args.add_argument("--lower", type=float, default=0, help="take so much off the score's log-odds, so that no more clean pictures reach the rule's threshold")
    args = args.parse_args()
    torch.set_num_threads(1)
    net = load_net(args.weights)
    val = load(os.path.join(args.set, "val"))
    weights, bias = calibrate(net, random.Random(0).sample(val, min(len(val), 400)))
    bias -= args.lower
    print("score weights", weights.round(4), "bias", round(bias, 4))
    model = Shipped(fold(net), weights, bias).eval()
    write(model, args.out)
    difference = largest_difference(model, args.out)
    print(f"{args.out}: {os.path.getsize(args.out)} bytes, opset {OPSET}, largest difference to PyTorch {difference:.1e}")
    if difference > PARITY:
        raise SystemExit(f"the ONNX file differs from PyTorch by {difference}, more than {PARITY}")


if __name__ == "__main__":
    main()
