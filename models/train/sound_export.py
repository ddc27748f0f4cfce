"""Trained weights to the ONNX file of the detector: an output a defect, float32 [N,64], 0..1, 0.5 at the calibrated threshold.

    sound_export.py --weights sound.pt --calibration calibration.json --out sound_defects.onnx [--kinds hum]

The calibration (`sound_evaluate.py calibrate`) holds for each defect the logit at which false alarms are as rare as asked, and the spread of
logits. Checks: onnx.checker, size, parity with PyTorch.
"""

import argparse
import json
import os

import numpy as np
import onnx
import onnxruntime
import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from sound_defects import KINDS
from sound_net import BASES_USED, RATE, WINDOW, Conv, SoundNet, cosines

OPSET, MAX_BYTES, PARITY = 17, 2_000_000, 1e-4


class Shipped(nn.Module):
    """samples float32 [N,1,WINDOW] -> for each of `kinds` [N,STEPS], 0..1."""

    def __init__(self, net, kinds, thresholds, slopes):
        super().__init__()
        self.net, self.picks = net, [KINDS.index(k) for k in kinds]
        self.thresholds, self.slopes = [float(t) for t in thresholds], [float(s) for s in slopes]

    def forward(self, samples):
        logits = self.net(samples)
        return tuple(torch.sigmoid((logits[:, k] - t) * s) for k, t, s in zip(self.picks, self.thresholds, self.slopes))


def load_net(path) -> SoundNet:
    stored = torch.load(path, weights_only=True)
    net = SoundNet(**stored["shape"])
    net.load_state_dict(stored["weights"])
    return net.eval()


def fold(net: SoundNet) -> SoundNet:
    for module in net.modules():
        if isinstance(module, Conv):
            module.conv, module.norm = fuse_conv_bn_eval(module.conv, module.norm), nn.Identity()
    return net


def write(model: Shipped, kinds, path: str) -> None:
    dynamic = {"samples": {0: "n"}, **{kind: {0: "n"} for kind in kinds}}
    torch.onnx.export(model, torch.zeros(1, 1, WINDOW), path, opset_version=OPSET, input_names=["samples"], output_names=list(kinds),
                      dynamic_axes=dynamic, dynamo=False, do_constant_folding=False)
    write_formulas(path)
    onnx.checker.check_model(onnx.load(path), full_check=True)
    if os.path.getsize(path) > MAX_BYTES:
        raise ValueError(f"{path} has {os.path.getsize(path)} bytes, more than {MAX_BYTES}")


def write_formulas(path: str) -> None:
    """Puts the formula in the place of each basis of cosines that the tracer stored as numbers; the runtime computes it when it loads the file."""
    model = onnx.load(path)
    graph = model.graph
    for index, (hertz, length, rate) in enumerate(BASES_USED):
        basis = cosines(hertz, length, rate).numpy()
        for last, used in (("Transpose", basis.T), ("Unsqueeze", basis[:, None])):
            for node in [n for n in graph.node if is_constant(n, used)]:
                nodes, tensors = formula(f"basis{index}", hertz.numpy(), length, rate, last, node.output[0])
                at = list(graph.node).index(node)
                graph.node.remove(node)
                for k, new in enumerate(nodes):
                    graph.node.insert(at + k, new)
                graph.initializer.extend(onnx.numpy_helper.from_array(v, name) for name, v in tensors.items())
    onnx.save(model, path)


def is_constant(node, value) -> bool:
    if node.op_type != "Constant" or tuple(node.attribute[0].t.dims) != value.shape:
        return False
    return np.array_equal(onnx.numpy_helper.to_array(node.attribute[0].t), value)


def formula(name, hertz, length, rate, last, output):
    """The nodes of `cosines` and of the last step, and the tensors that they need."""
    t = np.arange(length, dtype=np.float32)
    window = cosines(torch.zeros(1), length, rate).numpy()[0]
    tensors = {f"{name}_hertz": hertz[:, None], f"{name}_t": t[None], f"{name}_period": np.float32(1 / rate),
               f"{name}_circle": np.float32(2 * np.pi), f"{name}_window": window}
    steps = [("Mul", ["hertz", "t"], "seconds"), ("Mul", ["seconds", "period"], "turns"), ("Floor", ["turns"], "whole"), ("Sub", ["turns", "whole"], "part"),
             ("Mul", ["part", "circle"], "angle"), ("Cos", ["angle"], "cos"), ("Sin", ["angle"], "sin"), ("Concat", ["cos", "sin"], "both"),
             ("Mul", ["both", "window"], "wave")]
    if last == "Unsqueeze":
        tensors[f"{name}_axis"] = np.array([1], np.int64)
        steps.append(("Unsqueeze", ["wave", "axis"], ""))
    else:
        steps.append(("Transpose", ["wave"], ""))
    nodes = []
    for op, inputs, out in steps:
        extra = {"axis": 0} if op == "Concat" else {}
        nodes.append(onnx.helper.make_node(op, [f"{name}_{i}" for i in inputs], [f"{name}_{out}" if out else output], **extra))
    return nodes, tensors


def examples():
    """Windows that reach every branch: noise, steady lines, silence, clipped and gated sound, at several levels."""
    rng, t = np.random.default_rng(5), np.arange(WINDOW) / RATE
    tone = np.sin(2 * np.pi * 440 * t) + .4 * np.sin(2 * np.pi * 50 * t)
    noise = rng.normal(0, .1, WINDOW)
    gated = tone * .3 * (np.sin(2 * np.pi * 3 * t) > -.9)
    rows = [noise, tone * .5, np.zeros(WINDOW), np.clip(3 * tone, -1, 1), gated, noise * 1e-3, np.repeat(noise[:WINDOW // 16], 16), np.tile(noise[:WINDOW // 16], 16)]
    return np.stack(rows).astype(np.float32)[:, None]


def largest_difference(model: Shipped, path: str) -> float:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    x = examples()
    with torch.no_grad():
        expected = model(torch.from_numpy(x))
    return max(float(np.abs(got - want.numpy()).max()) for got, want in zip(session.run(None, {"samples": x}), expected))


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--weights", required=True)
    args.add_argument("--calibration", required=True)
    args.add_argument("--out", required=True)
    args.add_argument("--kinds", default=",".join(KINDS), help="the defects that the file speaks of")
    args = args.parse_args()
    torch.set_num_threads(1)
    with open(args.calibration) as f:
        calibration = json.load(f)
    kinds = [k for k in KINDS if k in args.kinds.split(",")]
    model = Shipped(fold(load_net(args.weights)), kinds, [calibration[k]["threshold"] for k in kinds], [calibration[k]["slope"] for k in kinds]).eval()
    write(model, kinds, args.out)
    difference = largest_difference(model, args.out)
    print(f"{args.out}: {os.path.getsize(args.out)} bytes, opset {OPSET}, largest difference to PyTorch {difference:.1e}")
    if difference > PARITY:
        raise SystemExit(f"the ONNX file differs from PyTorch by {difference}, more than {PARITY}")


if __name__ == "__main__":
    main()
