#!/usr/bin/env python3
"""Writes the networks that the tests load. Needs onnx and numpy; run it in this folder.

Each one is a few nodes around the same idea: luma/255, the mean of each 8x8 block is the
map, the brightest block the score. The bad ones differ from good.onnx in one thing each.
"""
import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper

U8, F32, F16, F64 = TensorProto.UINT8, TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE


def const(name, value, dtype=np.float32):
    return numpy_helper.from_array(np.array(value, dtype=dtype), name)


def head(x="luma"):
    """Nodes from the input to 0..1 and the map."""
    return [
        helper.make_node("Cast", [x], ["f"], to=F32),
        helper.make_node("Mul", ["f", "scale"], ["v"]),
        helper.make_node("AveragePool", ["v"], ["map"], kernel_shape=[8, 8], strides=[8, 8]),
    ]


SCALE = const("scale", 1 / 255)
PEAK = helper.make_node("ReduceMax", ["map", "axes"], ["score"], keepdims=0)
AXES = const("axes", [1, 2, 3], np.int64)
LUMA = ("luma", U8, ["N", 1, "H", "W"])
SCORE = ("score", F32, ["N"])
MAP = ("map", F32, ["N", 1, "h", "w"])


def write(name, nodes, constants, inputs=(LUMA,), outputs=(SCORE, MAP)):
    info = lambda io: [helper.make_tensor_value_info(*x) for x in io]
    graph = helper.make_graph(nodes, name, info(inputs), info(outputs), constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], producer_name="streamvet-testdata")
    model.ir_version = 9
    checker.check_model(model)
    with open(name + ".onnx", "wb") as f:
        f.write(model.SerializeToString())


write("good", head() + [PEAK], [SCALE, AXES])
write("score_n1", head() + [
    helper.make_node("GlobalMaxPool", ["map"], ["peak"]),
    helper.make_node("Flatten", ["peak"], ["score"]),
], [SCALE], outputs=(("score", F32, ["N", 1]), MAP))
write("no_map", head() + [PEAK], [SCALE, AXES], outputs=(SCORE,))
write("input_name", head("picture") + [PEAK], [SCALE, AXES], inputs=(("picture", U8, ["N", 1, "H", "W"]),))
write("input_f32", head() + [PEAK], [SCALE, AXES], inputs=(("luma", F32, ["N", 1, "H", "W"]),))
write("input_rank", [helper.make_node("Unsqueeze", ["luma", "one"], ["luma4"])] + head("luma4") + [PEAK],
      [SCALE, AXES, const("one", [1], np.int64)], inputs=(("luma", U8, ["N", "H", "W"]),))
write("fixed_n", head() + [PEAK], [SCALE, AXES], inputs=(("luma", U8, [1, 1, "H", "W"]),), outputs=(("score", F32, [1]), ("map", F32, [1, 1, "h", "w"])))
write("fixed_size", head() + [PEAK], [SCALE, AXES], inputs=(("luma", U8, ["N", 1, 64, 96]),), outputs=(SCORE, ("map", F32, ["N", 1, 8, 12])))
write("rgb", [helper.make_node("Cast", ["rgb"], ["f"], to=F32), helper.make_node("Mul", ["f", "scale"], ["v"]),
              helper.make_node("ReduceMean", ["v", "axes"], ["score"], keepdims=0)],
      [SCALE, AXES], inputs=(("rgb", U8, ["N", 3, "H", "W"]),), outputs=(SCORE,))
write("two_inputs", head() + [helper.make_node("Add", ["map", "bias"], ["moved"]),
                              helper.make_node("ReduceMax", ["moved", "axes"], ["score"], keepdims=0)],
      [SCALE, AXES], inputs=(LUMA, ("bias", F32, [1])))
write("score_f64", head() + [helper.make_node("ReduceMax", ["map", "axes"], ["peak"], keepdims=0),
                             helper.make_node("Cast", ["peak"], ["score"], to=F64)],
      [SCALE, AXES], outputs=(("score", F64, ["N"]), MAP))
write("map_rank", head() + [PEAK, helper.make_node("Squeeze", ["map", "one"], ["plane"])],
      [SCALE, AXES, const("one", [1], np.int64)], outputs=(SCORE, ("plane", F32, ["N", "h", "w"])))
# Not a number wherever the picture is black, 2 where it is white: 0/0 and 2.
write("nan", head()[:2] + [
    helper.make_node("AveragePool", ["v"], ["mean"], kernel_shape=[8, 8], strides=[8, 8]),
    helper.make_node("Div", ["mean", "mean"], ["one"]),
    helper.make_node("Add", ["one", "mean"], ["map"]), PEAK], [SCALE, AXES])
# The declared shapes are right, the real ones are not: one score for the whole batch,
# and a map that grows with it.
write("lies_score", head() + [
    helper.make_node("ReduceMax", ["map", "axes"], ["peaks"], keepdims=0),
    helper.make_node("Shape", ["luma"], ["channels"], start=1, end=2),
    helper.make_node("Slice", ["peaks", "zero", "channels"], ["score"])],
      [SCALE, AXES, const("zero", [0], np.int64)], inputs=(("luma", U8, ["N", "C", "H", "W"]),))
write("lies_map", head()[:2] + [
    helper.make_node("AveragePool", ["v"], ["blocks"], kernel_shape=[8, 8], strides=[8, 8]),
    helper.make_node("ReduceMax", ["blocks", "axes"], ["score"], keepdims=0),
    helper.make_node("Shape", ["luma"], ["n"], start=0, end=1),
    helper.make_node("Concat", ["ones2", "n", "ones1"], ["tiles"], axis=0),
    helper.make_node("Tile", ["blocks", "tiles"], ["map"]),
], [SCALE, AXES, const("ones2", [1, 1], np.int64), const("ones1", [1], np.int64)])
# Declares any size and runs with one: the map must have 96 cells.
write("one_size", head() + [helper.make_node("Reshape", ["map", "grid"], ["cells"]),
                            helper.make_node("ReduceMax", ["cells", "axis1"], ["score"], keepdims=0)],
      [SCALE, const("grid", [0, 96], np.int64), const("axis1", [1], np.int64)])
# Enough arithmetic that the order of sums could depend on the batch.
rng = np.random.default_rng(7)
w1 = (rng.standard_normal((16, 1, 3, 3)) * 0.2).astype(np.float32)
w2 = (rng.standard_normal((16, 16, 3, 3)) * 0.1).astype(np.float32)
w3 = (rng.standard_normal((1, 16, 1, 1)) * 0.3).astype(np.float32)
write("conv", head()[:2] + [
    helper.make_node("Conv", ["v", "w1"], ["c1"], strides=[2, 2], pads=[1, 1, 1, 1]),
    helper.make_node("Relu", ["c1"], ["r1"]),
    helper.make_node("Conv", ["r1", "w2"], ["c2"], strides=[2, 2], pads=[1, 1, 1, 1]),
    helper.make_node("Relu", ["c2"], ["r2"]),
    helper.make_node("Conv", ["r2", "w3"], ["c3"]),
    helper.make_node("Sigmoid", ["c3"], ["map"]),
    helper.make_node("ReduceMean", ["map", "axes"], ["score"], keepdims=0)],
    [SCALE, AXES, const("w1", w1), const("w2", w2), const("w3", w3)])

# Weights in a file of their own would not be under the manifest's hash.
def external(name, location):
    graph = helper.make_graph(head() + [helper.make_node("Mul", ["map", "gain"], ["scaled"]),
                                        helper.make_node("ReduceMax", ["scaled", "axes"], ["score"], keepdims=0)],
                              name, [helper.make_tensor_value_info(*LUMA)],
                              [helper.make_tensor_value_info(*SCORE), helper.make_tensor_value_info(*MAP)], [SCALE, AXES])
    gain = TensorProto(name="gain", data_type=F32, dims=[1], data_location=TensorProto.EXTERNAL)
    for k, v in (("location", location), ("offset", "0"), ("length", "4")):
        gain.external_data.add(key=k, value=v)
    graph.initializer.append(gain)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], producer_name="streamvet-testdata")
    model.ir_version = 9
    with open(name + ".onnx", "wb") as f:
        f.write(model.SerializeToString())


external("external", "testdata/make.py")  # it exists, from where the tests run
# Asks for 4 PiB when it runs: more than an address can name, whatever the machine promises.
write("huge", head() + [helper.make_node("ConstantOfShape", ["much"], ["zeroes"]),
                        helper.make_node("ReduceMax", ["zeroes"], ["zero"], keepdims=0),
                        helper.make_node("ReduceMax", ["map", "axes"], ["peak"], keepdims=0),
                        helper.make_node("Add", ["peak", "zero"], ["score"])],
      [SCALE, AXES, const("much", [1 << 50], np.int64)])
# No convolution: every node is a kernel of the CUDA provider's own.
write("good_gpu", head()[:2] + [
    helper.make_node("Slice", ["v", "from", "to", "sides", "steps"], ["map"]),
    helper.make_node("ReduceMean", ["map", "axes"], ["score"], keepdims=0)],
    [SCALE, AXES, const("from", [0, 0], np.int64), const("to", [1 << 20, 1 << 20], np.int64), const("sides", [2, 3], np.int64),
     const("steps", [8, 8], np.int64)])
# The CUDA provider has no Det: it is computed on the CPU.
write("det", head() + [PEAK, helper.make_node("Det", ["map"], ["d"])], [SCALE, AXES], outputs=(SCORE, MAP, ("d", F32, ["N", 1])))
# Two scores of one picture, "bright" with the map, and "dim": how far its mean is below white.
write("two_scores", head() + [
    helper.make_node("ReduceMax", ["map", "axes"], ["bright"], keepdims=0),
    helper.make_node("ReduceMean", ["v", "axes"], ["mean"], keepdims=0),
    helper.make_node("Sub", ["white", "mean"], ["dim"])],
    [SCALE, AXES, const("white", 1)], outputs=(("bright", F32, ["N"]), MAP, ("dim", F32, ["N"])))

# Networks of sound. "click" is the greatest step from one sample to the next, "loud" the mean
# level, each of 640 samples; "peak" is the greatest sample of all.
SAMPLES = ("samples", F32, ["N", 1, "W"])
CLICK, LOUD, PEAKS = ("click", F32, ["N", "T"]), ("loud", F32, ["N", "T"]), ("peak", F32, ["N"])
HEARD = [
    helper.make_node("Conv", ["samples", "step"], ["steps"], pads=[1, 0]),
    helper.make_node("Abs", ["steps"], ["sizes"]),
    helper.make_node("MaxPool", ["sizes"], ["largest"], kernel_shape=[640], strides=[640]),
    helper.make_node("Squeeze", ["largest", "one"], ["click"]),
    helper.make_node("Abs", ["samples"], ["levels"]),
    helper.make_node("AveragePool", ["levels"], ["means"], kernel_shape=[640], strides=[640]),
    helper.make_node("Squeeze", ["means", "one"], ["loud"]),
    helper.make_node("ReduceMax", ["levels", "both"], ["peak"], keepdims=0),
]
STEP = const("step", [[[-1, 1]]])
ONE, BOTH = const("one", [1], np.int64), const("both", [1, 2], np.int64)
write("sound", HEARD, [STEP, ONE, BOTH], inputs=(SAMPLES,), outputs=(CLICK, LOUD, PEAKS))
write("sound_rank", HEARD, [STEP, ONE, BOTH], inputs=(SAMPLES,), outputs=(CLICK, LOUD, PEAKS, ("largest", F32, ["N", 1, "T"])))
# One step more for each row of the batch.
write("lies_steps", HEARD[:4] + [
    helper.make_node("Shape", ["samples"], ["n"], start=0, end=1),
    helper.make_node("Concat", ["one", "n"], ["tiles"], axis=0),
    helper.make_node("Tile", ["click", "tiles"], ["many"])],
    [STEP, ONE], inputs=(SAMPLES,), outputs=(("many", F32, ["N", "T"]),))
# Fails in mid-run: what it hears, unless it is silence, is far outside of what it gathers from.
write("deaf", HEARD[:5] + [
    helper.make_node("ReduceMax", ["levels", "all"], ["peak"], keepdims=0),
    helper.make_node("Mul", ["peak", "far"], ["index"]),
    helper.make_node("Cast", ["index"], ["step_at"], to=TensorProto.INT64),
    helper.make_node("Gather", ["click", "step_at"], ["score"], axis=1)],
    [STEP, ONE, const("far", 1e9), const("all", [0, 1, 2], np.int64)],
    inputs=(SAMPLES,), outputs=(("score", F32, ["N"]),))
# The one convolution that is run when a GPU is taken into use (../probe.onnx).
X = ("x", F32, ["N", 1, 8, 8])
write("../probe", [helper.make_node("Conv", ["x", "ones"], ["sums"]),
                   helper.make_node("ReduceMean", ["sums", "axes"], ["score"], keepdims=0)],
      [const("ones", np.ones((1, 1, 3, 3))), AXES], inputs=(X,), outputs=(SCORE,))

# The CUDA provider gives the GPU the places of parts of different sizes by a copy from pinned memory.
write("parts", head() + [
    helper.make_node("GlobalMaxPool", ["map"], ["peak"]),
    helper.make_node("Flatten", ["map"], ["cells"]),
    helper.make_node("Flatten", ["peak"], ["one"]),
    helper.make_node("Flatten", ["v"], ["samples"]),
    helper.make_node("Concat", ["cells", "one", "samples"], ["all"], axis=1),
    helper.make_node("ReduceMax", ["all", "columns"], ["score"], keepdims=0),
], [SCALE, const("columns", [1], np.int64)])

# One name for two sides: it does not say that they are equal.
write("one_name", head() + [PEAK], [SCALE, AXES], inputs=(("luma", U8, ["N", 1, "S", "S"]),))
