"""NumPy, JAX (jitted) and MLX (compiled) in the race: the single operations of tensor-bench."""
import argparse
import json
import math
import sys
import time

import numpy as np

E = (2048, 1376)
LINEAR = {
    "decode b1 1x512x1376": (1, 512, 1376), "decode b8 8x512x1376": (8, 512, 1376), "qkvo 2048x512x512": (2048, 512, 512),
    "ffn up 2048x512x1376": (2048, 512, 1376), "ffn down 2048x1376x512": (2048, 1376, 512),
    "lm head 2048x512x4096": (2048, 512, 4096),
}


def shapes(name):
    """The shapes of the operands of a case and the kind of operation."""
    if name.startswith("linear "):
        m, k, n = LINEAR[name[7:]]
        return "linear", [(m, k), (n, k)]
    if name.startswith("sdpa causal "):
        b, h, t, d = map(int, name.split()[-1].split("x"))
        return "sdpa", [(b, h, t, d)] * 3
    if name.startswith("cross entropy "):
        return "cross entropy", [tuple(map(int, name.split()[-1].split("x")))]
    if name.startswith("patch embed "):
        b, c, h, w = map(int, name.split()[2].split("x"))
        return "patch embed", [(b, c, h, w), (int(name.split()[-1]), c, 14, 14)]
    return {
        "bmm 64x(434x64 @ 64x434)": ("matmul", [(64, 434, 64), (64, 64, 434)]),
        "softmax 64x434x434": ("softmax", [(64, 434, 434)]),
        "layernorm 3472x512": ("layernorm", [(3472, 512), (512,), (512,)]),
        "rmsnorm 3472x512": ("rmsnorm", [(3472, 512), (512,)]),
        "rope 8x8x434x64": ("rope", [(8, 8, 434, 64)]),
        "silu*mul 2048x1376": ("swiglu", [E, E]), "gelu erf 2048x1376": ("gelu", [E]),
        "gelu tanh 2048x1376": ("gelu tanh", [E]), "exp 2048x1376": ("exp", [E]),
        "add 8x8": ("add", [(8, 8), (8, 8)]), "add 2048x1376": ("add", [E, E]),
        "add bias 2048x1376": ("add", [E, (1376,)]), "sum 2048x1376": ("sum", [E]),
        "transpose copy 2048x1376": ("transpose", [E]), "embedding 3472 of 4096x512": ("rows", [(4096, 512)]),
    }.get(name, (None, None))


def operands(name):
    kind, found = shapes(name)
    rng = np.random.default_rng(2)
    return kind, found and [rng.standard_normal(s, dtype=np.float32) for s in found]


def constants():
    angle = np.arange(434, dtype=np.float32)[:, None] * 10000.0 ** (-np.arange(0, 64, 2, dtype=np.float32) / 64)
    turn = [np.concatenate([f(angle)] * 2, -1).astype(np.float32) for f in (np.cos, np.sin)]
    return turn, (np.arange(3472) * 7919) % 4096


def targets(x):
    return (np.arange(x.shape[0]) * 7919) % x.shape[1]


def numpy_case(name):
    from scipy.special import erf

    if name.endswith(" fwd+bwd"):
        return None
    kind, values = operands(name)
    if kind is None:
        return None
    (c, s), ids = constants()

    def softmax(x):
        z = np.exp(x - x.max(-1, keepdims=True))
        z /= z.sum(-1, keepdims=True)
        return z

    def layernorm(x, w, b):
        d = x - x.mean(-1, keepdims=True)
        return d / np.sqrt((d * d).mean(-1, keepdims=True) + np.float32(1e-5)) * w + b

    def sdpa(q, k, v):
        t = q.shape[-2]
        scores = q @ k.swapaxes(-1, -2) / np.float32(8)
        scores += np.triu(np.full((t, t), -1e30, np.float32), 1)
        return softmax(scores) @ v

    def patch(x, w):
        b, ch, h, wd = x.shape
        p, q = h // 14, wd // 14
        rows = x.reshape(b, ch, p, 14, q, 14).transpose(0, 2, 4, 1, 3, 5).reshape(b * p * q, ch * 196)
        return rows @ w.reshape(len(w), -1).T

    def cross_entropy(x):
        m = x.max(-1, keepdims=True)
        return (np.log(np.exp(x - m).sum(-1)) + m[:, 0] - x[np.arange(len(x)), targets(x)]).mean()

    half, root = np.float32(0.5), np.float32(math.sqrt(2 / math.pi))
    function = {
        "linear": lambda x, w: x @ w.T, "matmul": np.matmul, "softmax": softmax, "layernorm": layernorm,
        "rmsnorm": lambda x, w: x / np.sqrt((x * x).mean(-1, keepdims=True) + np.float32(1e-6)) * w,
        "rope": lambda x: x * c + np.concatenate([-x[..., 32:], x[..., :32]], -1) * s, "sdpa": sdpa,
        "swiglu": lambda a, b: a / (1 + np.exp(-a)) * b, "exp": np.exp, "add": np.add, "sum": np.sum,
        "gelu": lambda x: half * x * (1 + erf(x / np.float32(math.sqrt(2)))),
        "gelu tanh": lambda x: half * x * (1 + np.tanh(root * (x + np.float32(0.044715) * x * x * x))),
        "transpose": lambda x: np.ascontiguousarray(x.T), "rows": lambda w: w[ids], "patch embed": patch,
        "cross entropy": cross_entropy,
    }[kind]
    return lambda: function(*values)


def jax_case(name):
    import jax
    import jax.numpy as jnp

    base = name.removesuffix(" fwd+bwd")
    kind, values = operands(base)
    if kind is None:
        return None
    (c, s), ids = constants()

    def layernorm(x, w, b):
        m = x.mean(-1, keepdims=True)
        return (x - m) * jax.lax.rsqrt(((x - m) ** 2).mean(-1, keepdims=True) + 1e-5) * w + b

    def sdpa(q, k, v):
        t = lambda z: jnp.swapaxes(z, 1, 2)
        return t(jax.nn.dot_product_attention(t(q), t(k), t(v), is_causal=True))

    def cross_entropy(x):
        picked = jnp.take_along_axis(x, targets(x)[:, None], 1)[:, 0]
        return (jax.nn.logsumexp(x, -1) - picked).mean()

    function = {
        "linear": lambda x, w: x @ w.T, "matmul": jnp.matmul, "softmax": lambda x: jax.nn.softmax(x, -1),
        "layernorm": layernorm,
        "rmsnorm": lambda x, w: x * jax.lax.rsqrt(jnp.mean(x * x, -1, keepdims=True) + 1e-6) * w,
        "rope": lambda x: x * c + jnp.concatenate([-x[..., 32:], x[..., :32]], -1) * s, "sdpa": sdpa,
        "swiglu": lambda a, b: jax.nn.silu(a) * b, "exp": jnp.exp, "add": jnp.add, "sum": jnp.sum,
        "gelu": lambda x: jax.nn.gelu(x, approximate=False), "gelu tanh": lambda x: jax.nn.gelu(x, approximate=True),
        "transpose": lambda x: jnp.copy(x.T), "rows": lambda w: w[ids], "cross entropy": cross_entropy,
        "patch embed": lambda x, w: jax.lax.conv_general_dilated(x, w, (14, 14), "VALID"),
    }[kind]
    values = [jnp.asarray(v) for v in values]
    forward = jax.jit(function)
    if base == name:
        return lambda: jax.block_until_ready(forward(*values))
    gradient = jnp.asarray(np.random.default_rng(3).standard_normal(forward(*values).shape, dtype=np.float32))

    def both(g, *xs):
        out, pull = jax.vjp(function, *xs)
        return out, pull(g)

    both = jax.jit(both)
    return lambda: jax.block_until_ready(both(gradient, *values))


def mlx_case(name):
    import mlx.core as mx
    import mlx.nn as nn

    base = name.removesuffix(" fwd+bwd")
    kind, values = operands(base)
    if kind is None:
        return None
    (c, s), ids = [mx.array(t) for t in constants()[0]], mx.array(constants()[1])
    if kind == "patch embed":  # channels last, as an MLX model would store them
        values = [np.ascontiguousarray(v.transpose(0, 2, 3, 1)) for v in values]
    labels = mx.array(targets(values[0])) if kind == "cross entropy" else None
    function = {
        "linear": lambda x, w: x @ w.T, "matmul": mx.matmul, "softmax": lambda x: mx.softmax(x, -1),
        "layernorm": lambda x, w, b: mx.fast.layer_norm(x, w, b, 1e-5),
        "rmsnorm": lambda x, w: mx.fast.rms_norm(x, w, 1e-6),
        "rope": lambda x: x * c + mx.concatenate([-x[..., 32:], x[..., :32]], -1) * s,
        "sdpa": lambda q, k, v: mx.fast.scaled_dot_product_attention(q, k, v, scale=0.125, mask="causal"),
        "swiglu": lambda a, b: nn.silu(a) * b, "exp": mx.exp, "add": mx.add, "sum": mx.sum, "gelu": nn.gelu,
        "gelu tanh": nn.gelu_approx, "transpose": lambda x: mx.contiguous(x.T), "rows": lambda w: w[ids],
        "cross entropy": lambda x: nn.losses.cross_entropy(x, labels, reduction="mean"),
        "patch embed": lambda x, w: mx.conv2d(x, w, stride=14),
    }[kind]
    values = [mx.array(v) for v in values]
    forward = mx.compile(function)
    if base == name:
        return lambda: mx.eval(forward(*values))
    gradient = mx.array(np.random.default_rng(3).standard_normal(forward(*values).shape, dtype=np.float32))
    both = mx.compile(lambda g, *xs: mx.vjp(function, list(xs), [g]))
    return lambda: mx.eval(both(gradient, *values))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("library", choices=["numpy", "jax", "mlx"])
    library = parser.parse_args().library
    module = __import__("mlx.core", fromlist=["core"]) if library == "mlx" else __import__(library)
    if library == "mlx":
        module.set_default_device(module.cpu)
    print(json.dumps({"program": f"{library} {module.__version__}"}), flush=True)
    build = {"numpy": numpy_case, "jax": jax_case, "mlx": mlx_case}[library]
    cases = {}
    for line in sys.stdin:
        fields = line.rstrip("\n").split("\t")
        name, repetitions = fields[0], int(fields[1]) if len(fields) > 1 else 1
        if name not in cases:
            cases = {name: build(name)}
        if cases[name] is None:
            print(json.dumps({"case": name, "error": "unknown case"}), flush=True)
            continue
        cases[name]()
        start = time.perf_counter()
        for _ in range(repetitions):
            cases[name]()
        print(json.dumps({"case": name, "seconds": (time.perf_counter() - start) / repetitions}), flush=True)


if __name__ == "__main__":
    main()
