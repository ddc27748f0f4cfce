"""A shipped ONNX file back to a network that can be trained on.

export.py folds the batch norms into the convolutions. That cannot be undone, but it need not be: a norm whose statistics are those of
the convolution's own results on some crops, and whose scale and shift take them back out, computes the same and trains as any other.
"""

import onnx
import torch
from onnx import numpy_helper

from net import BlockNet, Conv


def unfold(path: str, images: torch.Tensor) -> BlockNet:
    """The network of a file that export.py wrote. images [N,1,H,W] in 0..1 are what the statistics are taken from: some hundred crops."""
    stored = {w.name.removeprefix("net."): torch.from_numpy(numpy_helper.to_array(w).copy())
              for w in onnx.load(path).graph.initializer if w.name.startswith("net.")}
    deep = sum(name.endswith("depthwise.conv.bias") for name in stored)
    kernels = tuple(stored[f"context.{k}.depthwise.conv.weight"].shape[-1] for k in range(deep))
    net = BlockNet(channels=len(stored["profile.conv.bias"]), kernels=kernels)
    handles = []
    with torch.no_grad():
        net.head.weight.copy_(stored["head.weight"])
        net.head.bias.copy_(stored["head.bias"])
        for name, module in net.named_modules():
            if isinstance(module, Conv):
                module.conv.weight.copy_(stored[name + ".conv.weight"])
                handles.append(module.register_forward_pre_hook(measured(module, stored[name + ".conv.bias"])))
        net.eval()(images)
    for handle in handles:
        handle.remove()
    return net


def measured(module: Conv, bias: torch.Tensor):
    """A hook that sets the norm before the module runs, from the inputs that come to it. Inputs are exact: modules before it are set already."""
    def hook(_, inputs):
        results = module.conv(inputs[0])
        mean, variance = results.mean((0, 2, 3)), results.var((0, 2, 3)).clamp(min=1e-6)
        module.norm.running_mean.copy_(mean)
        module.norm.running_var.copy_(variance)
        module.norm.weight.copy_((variance + module.norm.eps).sqrt())
        module.norm.bias.copy_(bias + mean)
    return hook
