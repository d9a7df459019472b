"""Recurrent layers, sampling, pooling and convolution by PyTorch in float64: layers.json.

usage: python make_layers.py (PyTorch 2.13)

Element i of operand k is `value(i, k)` times a scale; the gradient fed into element j of a result is `weight(j)`.
"""

import json
import pathlib

import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)


def operand(shape, k, scale=1.0):
    i = torch.arange(torch.Size(shape).numel())
    return (((i * 389 + k * 101) % 1009).double() / 504.5 - 1).reshape(shape) * scale


def fed(shape):
    j = torch.arange(torch.Size(shape).numel())
    return (((j * 5 + 2) % 11 - 5).double() / 4).reshape(shape)


def record(results, leaves):
    loss = sum((result * fed(result.shape)).sum() for result in results)
    gradients = torch.autograd.grad(loss, leaves, allow_unused=True)
    return {
        "shapes": [list(result.shape) for result in results],
        "results": [result.detach().flatten().tolist() for result in results],
        "gradients": [(torch.zeros_like(leaf) if g is None else g).flatten().tolist() for leaf, g in zip(leaves, gradients)],
    }


cases = {}


def case(name, shapes, function, scale=1.0):
    leaves = [operand(shape, k, scale).requires_grad_() for k, shape in enumerate(shapes)]
    cases[name] = {"operands": shapes, "scale": scale, **record([function(*leaves)], leaves)}


for mode in ["bilinear", "nearest", "bicubic"]:
    for padding in ["zeros", "border", "reflection"]:
        for corners in [False, True]:
            case(
                f"grid_sample {mode} {padding} {corners}", [[2, 3, 4, 5], [2, 3, 4, 2]],
                lambda x, g: F.grid_sample(x, g, mode, padding, corners), 1.7)
            if mode != "bicubic":
                case(
                    f"grid_sample volume {mode} {padding} {corners}", [[1, 2, 3, 4, 2], [1, 2, 2, 3, 3]],
                    lambda x, g: F.grid_sample(x, g, mode, padding, corners), 1.7)
for corners in [False, True]:
    case(f"affine_grid {corners}", [[2, 2, 3]], lambda m: F.affine_grid(m, [2, 3, 4, 3], corners))
    case(f"affine_grid volume {corners}", [[2, 3, 4]], lambda m: F.affine_grid(m, [2, 1, 2, 1, 3], corners))
case("adaptive_max_pool2d", [[2, 3, 7, 5]], lambda x: F.adaptive_max_pool2d(x, (3, 4)))
case("adaptive_max_pool1d", [[2, 3, 7]], lambda x: F.adaptive_max_pool1d(x, 3))
case("conv3d", [[2, 4, 5, 4, 6], [6, 2, 2, 3, 2], [6]],
     lambda x, w, b: F.conv3d(x, w, b, (2, 1, 2), (1, 0, 1), (2, 1, 1), 2))
case("conv3d plain", [[1, 2, 3, 4, 3], [3, 2, 1, 2, 2]], lambda x, w: F.conv3d(x, w))
case("max_pool3d", [[2, 2, 5, 6, 7]], lambda x: F.max_pool3d(x, (2, 3, 2), (2, 1, 3), (1, 1, 0), (2, 1, 1)))
case("max_pool3d ceil", [[1, 2, 5, 5, 5]], lambda x: F.max_pool3d(x, 2, ceil_mode=True))
case("avg_pool3d", [[2, 2, 5, 6, 7]], lambda x: F.avg_pool3d(x, (2, 3, 2), (2, 1, 3), (1, 1, 0)))
case("avg_pool3d ceil", [[1, 2, 5, 5, 5]], lambda x: F.avg_pool3d(x, 2, padding=1, ceil_mode=True, count_include_pad=False))
case("avg_pool3d divisor", [[1, 2, 4, 4, 4]], lambda x: F.avg_pool3d(x, 2, divisor_override=3))


def recurrent(name, make, shape, *, lengths=None, state=True, batch_first=False):
    module = make()
    with torch.no_grad():
        for k, parameter in enumerate(module.parameters()):
            parameter.copy_(operand(parameter.shape, k + 5, 0.7))
    x = operand(shape, 0).requires_grad_()
    batch = shape[0] if batch_first else shape[1]
    ways = module.num_layers * (2 if module.bidirectional else 1)
    count = 2 if isinstance(module, torch.nn.LSTM) else 1
    states = [operand([ways, batch, module.hidden_size], k + 1).requires_grad_() for k in range(count)] if state else []
    given = (tuple(states) if count == 2 else states[0]) if state else None
    if lengths is None:
        output, last = module(x, given)
    else:
        packed = torch.nn.utils.rnn.pack_padded_sequence(x, torch.tensor(lengths), batch_first, enforce_sorted=False)
        output, last = module(packed, given)
        total = shape[1] if batch_first else shape[0]
        output, _ = torch.nn.utils.rnn.pad_packed_sequence(output, batch_first, total_length=total)
    results = [output] + (list(last) if count == 2 else [last])
    leaves = [x] + states + list(module.parameters())
    cases[name] = {
        "names": [key for key, _ in module.named_parameters()], "operands": [list(leaf.shape) for leaf in leaves], "scale": 1,
        **record(results, leaves)}


nn = torch.nn
for kind in ["LSTM", "GRU", "RNN"]:
    make = getattr(nn, kind)
    recurrent(kind, lambda: make(3, 2), [4, 2, 3])
    recurrent(f"{kind} plain", lambda: make(3, 2, bias=False), [4, 2, 3], state=False)
    recurrent(f"{kind} deep", lambda: make(3, 2, 3, batch_first=True, bidirectional=True), [2, 4, 3], batch_first=True)
    recurrent(f"{kind} lengths", lambda: make(3, 2, 2, bidirectional=True), [5, 3, 3], lengths=[2, 5, 3])
recurrent("RNN relu", lambda: nn.RNN(3, 2, 2, nonlinearity="relu"), [4, 2, 3])
for kind, count in [("LSTMCell", 2), ("GRUCell", 1), ("RNNCell", 1)]:
    module = getattr(nn, kind)(3, 2)
    with torch.no_grad():
        for k, parameter in enumerate(module.parameters()):
            parameter.copy_(operand(parameter.shape, k + 5, 0.7))
    x = operand([4, 3], 0).requires_grad_()
    states = [operand([4, 2], k + 1).requires_grad_() for k in range(count)]
    last = module(x, tuple(states) if count == 2 else states[0])
    leaves = [x] + states + list(module.parameters())
    cases[kind] = {
        "operands": [list(leaf.shape) for leaf in leaves], "scale": 1, **record(list(last) if count == 2 else [last], leaves)}


def rounded(value):
    if isinstance(value, float):
        return float(f"{value:.15g}")
    if isinstance(value, list):
        return [rounded(one) for one in value]
    return {key: rounded(one) for key, one in value.items()} if isinstance(value, dict) else value


place = pathlib.Path(__file__).parent / "layers.json"
place.write_text("{\n" + ",\n".join(f"{json.dumps(key)}: {json.dumps(rounded(value))}" for key, value in cases.items()) + "\n}\n")
