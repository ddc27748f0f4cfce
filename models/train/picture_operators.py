"""Operators of ONNX that PyTorch's exporter writes as many: each is one in the graph."""

import torch
import torch.nn.functional as F


class Shaped(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, sizes):
        return x.reshape([x.shape[k] if size == 0 else size for k, size in enumerate(sizes)])

    @staticmethod
    def symbolic(g, x, sizes):
        return g.op("Reshape", x, constant(g, sizes))


class Cut(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, axes, parts):
        index = [slice(None)] * x.dim()
        for axis, part in zip(axes, parts):
            index[axis] = slice(*part)
        return x[tuple(index)].clone()

    @staticmethod
    def symbolic(g, x, axes, parts):
        starts, ends, steps = zip(*parts)
        return g.op("Slice", x, constant(g, starts), constant(g, ends), constant(g, axes), constant(g, steps))


class Padded(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, before, after):
        return F.pad(x, [n for pair in zip(reversed(before), reversed(after)) for n in pair])

    @staticmethod
    def symbolic(g, x, before, after):
        return g.op("Pad", x, constant(g, (*before, *after)))


def constant(g, values):
    return g.op("Constant", value_t=torch.tensor(values))


def shaped(x, *sizes):
    """Reshape in which 0 keeps a size, so that nothing is computed of sizes."""
    return Shaped.apply(x, sizes)


def cut(x, **parts):
    """x of which the axes "d1", "d2", ... keep (begin, end, step); all at once."""
    return Cut.apply(x, tuple(int(axis[1:]) for axis in parts), tuple(parts.values()))


def padded(x, before, after):
    """x with so many zeros before and after, for each axis."""
    return Padded.apply(x, before, after)
