"""Makes ops.json and ops.h5 beside it: `python make_cases.py [seed]` with torch, numpy and h5py.

Every case has stored float32 inputs, the views that turn them into what the operator sees, results and gradients computed in
float64, and `f32_err`, how far a float32 run was off.
"""
import json
import os
import sys

import h5py
import numpy as np
import torch
import torch.nn.functional as F

torch.set_num_threads(1)
here = os.path.dirname(os.path.abspath(__file__))
rng = np.random.default_rng(int(sys.argv[1]) if len(sys.argv) > 1 else 4242)
file = h5py.File(os.path.join(here, "ops.h5"), "w", libver=("earliest", "v110"))
index = []


def n(*shape, scale=1.0):
    return np.asarray(rng.standard_normal(shape) * scale, dtype=np.float32)


def ints(high, *shape):
    return rng.integers(0, high, shape).astype(np.int64)


def put(path, x, **attributes):
    x = x.detach().numpy() if isinstance(x, torch.Tensor) else np.asarray(x)
    data = file.create_dataset(path, data=np.array(x.astype(np.float32) if x.dtype == np.float64 else x, order="C"), track_times=False)
    data.attrs.update(attributes)


def difference(a, b):
    return float((a.detach().double() - b.detach().double()).abs().max()) if a.numel() else 0.0


def seen(x, steps):
    for kind, *a in steps:
        if kind == "slice":
            dim, start, stop, step = a
            x = x[(slice(None),) * dim + (slice(start, stop, step),)]
        else:
            x = getattr(x, kind)(*a)
    return x


def run(fn, ins, views, dtype):
    leaves = [torch.from_numpy(np.array(x, order="C")) for x in ins]
    leaves = [x.to(dtype).requires_grad_() if x.is_floating_point() else x for x in leaves]
    out = fn(*[seen(x, views.get(i, [])) for i, x in enumerate(leaves)])
    return leaves, list(out) if isinstance(out, (tuple, list)) else [out]


def A(name, expr, fn, *ins, views=None, **attrs):
    views = views or {}
    (exact, outs), (plain, plain_outs) = run(fn, ins, views, torch.float64), run(fn, ins, views, torch.float32)
    gouts = [torch.from_numpy(n(*y.shape)) if y.is_floating_point() else None for y in outs]
    for ys in (outs, plain_outs):
        pairs = [(y, g.to(y.dtype)) for y, g in zip(ys, gouts) if g is not None]
        torch.autograd.backward([y for y, _ in pairs], [g for _, g in pairs])
    case = {"name": name, "expr": expr, "attrs": attrs, "inputs": [], "outputs": []}
    for i, x in enumerate(ins):
        put(f"{name}/in{i}", x)
        entry = {"path": f"{name}/in{i}", "shape": list(x.shape), "dtype": str(x.dtype), "views": views.get(i, [])}
        if exact[i].is_floating_point():
            put(f"{name}/grad_in{i}", exact[i].grad, f32_err=difference(exact[i].grad, plain[i].grad))
            entry["grad"] = f"{name}/grad_in{i}"
        case["inputs"].append(entry)
    for i, (y, p, g) in enumerate(zip(outs, plain_outs, gouts)):
        put(f"{name}/out{i}", y, f32_err=difference(y, p))
        entry = {"path": f"{name}/out{i}", "shape": list(y.shape), "dtype": "int64" if g is None else "float32"}
        if g is not None:
            put(f"{name}/gout{i}", g)
            entry["gout"] = f"{name}/gout{i}"
        case["outputs"].append(entry)
    index.append(case)


# convolutions
for name, x, w, b, s, p, d, g in [
    ("plain", (2, 3, 7, 6), (4, 3, 3, 2), True, (1, 1), (0, 0), (1, 1), 1),
    ("pointwise", (2, 5, 4, 6), (3, 5, 1, 1), True, (1, 1), (0, 0), (1, 1), 1),
    ("pointwise_stride", (2, 5, 5, 6), (3, 5, 1, 1), False, (2, 3), (0, 0), (1, 1), 1),
    ("pointwise_groups", (1, 6, 3, 4), (4, 3, 1, 1), False, (1, 1), (0, 0), (1, 1), 2),
    ("depthwise", (2, 4, 6, 5), (8, 1, 3, 3), True, (1, 1), (1, 1), (1, 1), 4),
    ("big_padding", (1, 2, 3, 3), (2, 2, 3, 3), False, (1, 2), (4, 3), (1, 1), 1),
    ("whole_picture", (3, 2, 5, 4), (6, 2, 5, 4), True, (1, 1), (0, 0), (1, 1), 1),
    ("stride_beyond_kernel", (1, 2, 9, 11), (3, 2, 2, 2), False, (4, 5), (1, 0), (1, 1), 1),
    ("dilated_groups", (2, 4, 11, 9), (6, 2, 3, 2), True, (2, 1), (3, 2), (3, 4), 2),
    ("many_pictures", (9, 1, 6, 6), (2, 1, 3, 3), True, (1, 1), (1, 1), (1, 1), 1),
    ("blocks", (1, 4, 70, 66), (3, 4, 9, 9), False, (1, 1), (4, 4), (1, 1), 1)]:
    f = lambda *a, s=s, p=p, d=d, g=g: F.conv2d(a[0], a[1], a[2] if len(a) > 2 else None, s, p, d, g)
    scale = 0.05 if name == "blocks" else 1.0
    A("conv2d." + name, "conv2d", f, n(*x), n(*w, scale=scale), *([n(w[0])] if b else []), stride=list(s), padding=list(p), dilation=list(d), groups=g)
A("conv2d.views", "conv2d of permuted views", lambda x, w: F.conv2d(x, w, None, 2, 1), n(2, 7, 8, 3), n(3, 2, 3, 4),
  views={0: [["permute", 0, 3, 1, 2]], 1: [["permute", 3, 2, 0, 1], ["slice", 0, 0, 4, 2]]}, stride=[2, 2], padding=[1, 1], dilation=[1, 1], groups=1)
A("conv2d.expanded", "conv2d of one picture seen twice", lambda x, w: F.conv2d(x, w), n(1, 2, 5, 5), n(3, 2, 2, 2),
  views={0: [["expand", 2, 2, 5, 5]]}, stride=[1, 1], padding=[0, 0], dilation=[1, 1], groups=1)
A("conv2d.one_picture", "conv2d without a batch", lambda x, w: F.conv2d(x, w), n(2, 5, 5), n(3, 2, 2, 2), stride=[1, 1], padding=[0, 0], dilation=[1, 1], groups=1)
A("conv1d", "conv1d", lambda x, w, q: F.conv1d(x, w, q, 2, 3, 2), n(2, 4, 13), n(6, 4, 3), n(6), stride=2, padding=3, dilation=2, groups=1)
A("conv1d.groups", "conv1d, groups", lambda x, w: F.conv1d(x, w, None, 1, 1, 1, 2), n(2, 4, 7), n(6, 2, 3), stride=[1], padding=[1], dilation=[1], groups=2)
for name, x, w, b, s, p, op, d, g in [
    ("plain", (2, 3, 4, 5), (3, 2, 3, 2), True, (1, 1), (0, 0), (0, 0), (1, 1), 1),
    ("stride", (2, 3, 4, 5), (3, 2, 3, 4), True, (2, 3), (1, 2), (1, 2), (1, 1), 1),
    ("groups", (1, 4, 3, 3), (4, 3, 2, 2), False, (2, 2), (0, 0), (0, 0), (2, 1), 2),
    ("dilated", (2, 2, 4, 3), (2, 5, 3, 3), False, (1, 2), (2, 1), (1, 1), (2, 3), 1)]:
    f = lambda *a, s=s, p=p, op=op, d=d, g=g: F.conv_transpose2d(a[0], a[1], a[2] if len(a) > 2 else None, s, p, op, g, d)
    A("conv_transpose2d." + name, "conv_transpose2d", f, n(*x), n(*w), *([n(w[1] * g)] if b else []), stride=list(s), padding=list(p), output_padding=list(op), dilation=list(d), groups=g)
A("conv_transpose1d", "conv_transpose1d", lambda x, w, q: F.conv_transpose1d(x, w, q, 3, 1, 2), n(2, 4, 6), n(4, 3, 5), n(3), stride=3, padding=1, output_padding=2, dilation=1, groups=1)
# pooling
for name, x, k, s, p, ceil, inc in [
    ("overlap", (2, 3, 7, 6), (3, 2), (2, 1), (0, 0), 0, 1), ("padded", (2, 3, 7, 6), (3, 4), (2, 3), (1, 2), 0, 1),
    ("padded_not_counted", (2, 3, 7, 6), (3, 4), (2, 3), (1, 2), 0, 0), ("ceil", (1, 2, 8, 7), (3, 2), (2, 3), (1, 1), 1, 1),
    ("ceil_not_counted", (1, 2, 8, 7), (3, 2), (2, 3), (1, 1), 1, 0), ("gaps", (1, 2, 9, 9), (2, 2), (4, 3), (0, 0), 0, 1)]:
    A("avg_pool2d." + name, "avg_pool2d", lambda x, k=k, s=s, p=p, c=ceil, i=inc: F.avg_pool2d(x, k, s, p, bool(c), bool(i)), n(*x),
      kernel=list(k), stride=list(s), padding=list(p), ceil_mode=ceil, count_include_pad=inc)
for name, x, k, s, p, d, ceil in [
    ("overlap", (2, 3, 7, 6), (3, 2), (2, 1), (0, 0), (1, 1), 0), ("padded", (2, 3, 7, 6), (3, 4), (2, 3), (1, 2), (1, 1), 0),
    ("dilated", (2, 3, 9, 9), (3, 2), (1, 2), (1, 0), (2, 3), 0), ("ceil", (1, 2, 8, 7), (3, 2), (2, 3), (1, 1), (1, 1), 1)]:
    A("max_pool2d." + name, "max_pool2d", lambda x, k=k, s=s, p=p, d=d, c=ceil: F.max_pool2d(x, k, s, p, d, bool(c)), n(*x),
      kernel=list(k), stride=list(s), padding=list(p), dilation=list(d), ceil_mode=ceil)
A("max_pool2d.view", "max_pool2d of a permuted view", lambda x: F.max_pool2d(x, 2), n(6, 4, 2, 3), views={0: [["permute", 3, 2, 0, 1]]}, kernel=2)
A("avg_pool2d.view", "avg_pool2d of a flipped slice", lambda x: F.avg_pool2d(x, 2), n(2, 3, 8, 9), views={0: [["slice", 3, 0, 9, 2], ["transpose", 2, 3]]}, kernel=2)
A("max_pool1d", "max_pool1d", lambda x: F.max_pool1d(x, 3, 2, 1), n(2, 3, 9), kernel=3, stride=2, padding=1)
A("avg_pool1d", "avg_pool1d", lambda x: F.avg_pool1d(x, 3, 2, 1), n(2, 3, 9), kernel=3, stride=2, padding=1)
A("adaptive_avg_pool2d", "adaptive_avg_pool2d(x, (3, 4))", lambda x: F.adaptive_avg_pool2d(x, (3, 4)), n(2, 3, 7, 6), size=[3, 4])
A("adaptive_avg_pool2d.grow", "adaptive_avg_pool2d(x, (5, 2))", lambda x: F.adaptive_avg_pool2d(x, (5, 2)), n(2, 3, 3, 6), size=[5, 2])
A("adaptive_avg_pool1d", "adaptive_avg_pool1d(x, 4)", lambda x: F.adaptive_avg_pool1d(x, 4), n(2, 3, 9), size=[4])
# interpolation
for mode in ("bilinear", "bicubic"):
    for tag, src, dst in (("up", (4, 5), (9, 11)), ("down", (11, 9), (4, 5)), ("mixed", (7, 6), (3, 13)), ("one", (5, 6), (1, 1))):
        for al in (0, 1):
            A(f"interpolate.{mode}_{tag}_{al}", "interpolate", lambda x, dst=dst, m=mode, al=al: F.interpolate(x, size=dst, mode=m, align_corners=bool(al)),
              n(2, 2, *src), size=list(dst), mode=mode, align_corners=al)
    for tag, src, dst in (("down", (11, 9), (4, 5)), ("mixed", (7, 6), (3, 13))):
        A(f"interpolate.{mode}_{tag}_antialias", "interpolate", lambda x, dst=dst, m=mode: F.interpolate(x, size=dst, mode=m, antialias=True),
          n(2, 2, *src), size=list(dst), mode=mode, antialias=1)
for mode in ("nearest", "nearest-exact", "area"):
    for tag, src, dst in (("up", (4, 5), (9, 11)), ("down", (11, 9), (4, 5))):
        A(f"interpolate.{mode}_{tag}", "interpolate", lambda x, dst=dst, m=mode: F.interpolate(x, size=dst, mode=m), n(2, 2, *src), size=list(dst), mode=mode)
A("interpolate.linear", "interpolate", lambda x: F.interpolate(x, size=7, mode="linear"), n(2, 3, 4), size=[7], mode="linear")
# others
for q in (1, 3, 1.5, float("inf")):
    A(f"norm.order_{q}", "vector_norm", lambda x, q=q: torch.linalg.vector_norm(x, q, dim=(0, 2), keepdim=True), n(3, 4, 5), ord=q if q != float("inf") else "inf", dims=[0, 2], keepdim=1)
for f in (torch.tan, torch.atan, torch.sinh, torch.cosh, torch.asinh, torch.exp2):
    A(f.__name__, f"{f.__name__}(x)", f, n(3, 5))
for f in (torch.asin, torch.acos, torch.atanh):
    A(f.__name__, f"{f.__name__}(x)", f, np.clip(n(3, 5, scale=0.4), -0.9, 0.9))
for f in (torch.log2, torch.log10, torch.acosh):
    A(f.__name__, f"{f.__name__}(x)", f, 1.2 + np.abs(n(3, 5)))
A("atan2", "atan2(y, x)", torch.atan2, n(3, 5), n(5))
A("remainder", "remainder(x, y)", torch.remainder, n(3, 5, scale=4), n(5))
A("prod.all", "prod(x)", torch.prod, n(2, 3))
A("prod.zero", "prod(x, 1, keepdim) with zeros", lambda x: x.prod(1, keepdim=True), np.array([[1, 0, 2], [0, 3, 0], [4, 5, 6]], np.float32), dim=1)
A("prod.view", "prod of a transposed slice", lambda x: x.prod(0), n(4, 6), views={0: [["transpose", 0, 1], ["slice", 0, 0, 6, 2]]}, dim=0)
A("logcumsumexp", "logcumsumexp(x, 1)", lambda x: x.logcumsumexp(1), n(3, 7, scale=3), dim=1)
A("normalize.l1", "normalize(x, p=1, dim=0)", lambda x: F.normalize(x, p=1, dim=0), n(3, 4), p=1, dim=0)
A("unfold", "x.unfold(1, 3, 2)", lambda x: x.unfold(1, 3, 2), n(2, 8, 3), dim=1, size=3, step=2)
A("tensordot", "tensordot(x, y, ([2, 0], [0, 1]))", lambda x, y: torch.tensordot(x, y, ([2, 0], [0, 1])), n(2, 3, 4), n(4, 2, 5), dims=[[2, 0], [0, 1]])
A("masked_scatter.full", "x.masked_scatter(m != 0, src)", lambda x, m, s: x.masked_scatter(m != 0, s), n(3, 4), ints(2, 3, 4), n(13))
A("masked_select.view", "x.T[m != 0]", lambda x, m: x[m != 0], n(4, 3), ints(2, 3, 4), views={0: [["transpose", 0, 1]]})
A("group_norm.view", "group_norm of a view", lambda x, w, q: F.group_norm(x, 3, w, q, 1e-5), n(2, 5, 6), n(6), n(6), views={0: [["transpose", 1, 2]]}, groups=3, eps=1e-5)
A("group_norm.instance", "group_norm, a group per channel, no affine", lambda x: F.group_norm(x, 4), n(2, 4, 3, 3), groups=4, eps=1e-5)
A("layer_norm.affine_2dims", "layer_norm over two dims", lambda x, w, q: F.layer_norm(x, (4, 5), w, q), n(3, 4, 5), n(4, 5), n(4, 5), eps=1e-5)
A("sdpa.left_padding", "key mask with padding in front, not causal", lambda x, y, z, m: F.scaled_dot_product_attention(x, y, z, attn_mask=(m != 0)[:, None, None, :]),
  n(2, 2, 3, 4), n(2, 2, 6, 4), n(2, 2, 6, 4), np.array([[0, 0, 1, 1, 1, 1], [1, 1, 0, 1, 0, 1]]))
A("sdpa.square_mask", "one mask for all examples", lambda x, y, z, m: F.scaled_dot_product_attention(x, y, z, attn_mask=m != 0),
  n(2, 2, 3, 4), n(2, 2, 5, 4), n(2, 2, 5, 4), np.array([[1, 0, 0, 1, 1], [1, 1, 0, 0, 0], [0, 0, 0, 0, 1]]))
A("cross_entropy.smooth_sum", "label smoothing, sum", lambda x, t: F.cross_entropy(x, t, label_smoothing=0.2, reduction="sum"), n(7, 5), ints(5, 7), label_smoothing=0.2, reduction="sum")
A("smooth_l1.beta", "smooth_l1_loss beta=0.3", lambda x, y: F.smooth_l1_loss(x, y, beta=0.3, reduction="none"), n(3, 4), n(3, 4), beta=0.3, reduction="none")
A("chunk.uneven", "chunk(x, 3, 1)", lambda x: x.chunk(3, 1), n(2, 7), chunks=3, dim=1)
A("sum.chain", "sum(x.permute(2,0,1)[::2][:, 1:], (0, 2))", lambda x: x.sum((0, 2)), n(3, 4, 5), views={0: [["permute", 2, 0, 1], ["slice", 0, 0, 5, 2], ["slice", 1, 1, 3, 1]]}, dims=[0, 2])
A("slice.mixed", "x[None, -2, ..., 1:-1:2] * 1", lambda x: x[None, -2, ..., 1:-1:2] * 1, n(3, 4, 6))
A("leaky_relu.default", "leaky_relu(x)", F.leaky_relu, n(3, 4))
A("elu.alpha", "elu(x, 0.6)", lambda x: F.elu(x, 0.6), n(3, 4), alpha=0.6)
file.close()
with open(os.path.join(here, "ops.json"), "w") as out:
    json.dump(index, out, indent=1)
print(len(index), "cases")
