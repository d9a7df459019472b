"""The pictures of `depths/` and, in `depths/expected.safetensors`, what Pillow and transformers make of them.

PNG is written chunk by chunk, since Pillow writes neither 16-bit colour nor every transparency key; filters of the rows
alternate. Needs NumPy, Pillow, transformers and safetensors (the files here: Pillow 13.0, transformers 5).
"""

import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps
from safetensors.numpy import save_file
from transformers.image_transforms import convert_to_rgb

HERE = Path(__file__).parent / "depths"
WIDTH, HEIGHT = 13, 9


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(name, samples, colour_type, depth, *extra):
    """`samples` has the shape [height, width, channels]."""
    height, width, channels = samples.shape
    rows = []
    pixel = max(1, depth * channels // 8)
    before = None
    for y in range(height):
        flat = samples[y].reshape(-1)
        if depth == 16:
            row = flat.astype(">u2").tobytes()
        elif depth == 8:
            row = flat.astype(np.uint8).tobytes()
        else:
            bits = "".join(format(int(v), f"0{depth}b") for v in flat)
            bits += "0" * (-len(bits) % 8)
            row = bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8))
        kind = y % 3
        if kind == 1:
            coded = bytes((v - (row[i - pixel] if i >= pixel else 0)) & 255 for i, v in enumerate(row))
        elif kind == 2:
            coded = bytes((v - before[i]) & 255 for i, v in enumerate(row))
        else:
            coded = row
        rows.append(bytes([kind]) + coded)
        before = row
    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    (HERE / name).write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + b"".join(chunk(kind, body) for kind, body in extra)
        + chunk(b"IDAT", zlib.compress(b"".join(rows), 9))
        + chunk(b"IEND", b"")
    )


def expectations(name):
    """By key `name/rule`: the samples on white, and with transparency left out."""
    image = Image.open(HERE / name)
    if image.mode == "I;16":
        # Pillow's own conversion clips at 255, which makes nearly every such picture white: its high bytes instead.
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    image = ImageOps.exif_transpose(image)
    yield f"{name}/on_white", convert_to_rgb(image, return_numpy=True)
    yield f"{name}/dropped", np.array(image.convert("RGBA").convert("RGB"))


def main():
    HERE.mkdir(exist_ok=True)
    random = np.random.default_rng(16)

    def noise(depth, channels):
        return random.integers(0, 1 << depth, (HEIGHT, WIDTH, channels))

    png("grey16.png", noise(16, 1), 0, 16)
    png("grey8.png", noise(8, 1), 0, 8)
    png("grey1.png", noise(1, 1), 0, 1)
    png("rgb16.png", noise(16, 3), 2, 16)
    png("grey_alpha8.png", noise(8, 2), 4, 8)
    png("grey_alpha16.png", noise(16, 2), 4, 16)
    png("rgba8.png", noise(8, 4), 6, 8)
    png("rgba16.png", noise(16, 4), 6, 16)
    for depth in (1, 2, 4, 8):
        colours = random.integers(0, 256, (min(1 << depth, 40), 3)).astype(np.uint8).tobytes()
        opacity = random.integers(0, 256, max(1, (len(colours) // 3) * 2 // 3)).astype(np.uint8).tobytes()
        indices = noise(depth, 1) % (len(colours) // 3)
        png(f"palette{depth}.png", indices, 3, depth, (b"PLTE", colours))
        png(f"palette{depth}_trns.png", indices, 3, depth, (b"PLTE", colours), (b"tRNS", opacity))
    keyed = noise(8, 1) % 4 * 80
    png("grey8_key.png", keyed, 0, 8, (b"tRNS", struct.pack(">H", 80)))
    png("rgb8_key.png", np.repeat(keyed, 3, axis=2), 2, 8, (b"tRNS", struct.pack(">HHH", 80, 80, 80)))
    # A gamma and chromaticities that differ from sRGB's: Pillow does not apply them, nor does transformers.
    chroma = struct.pack(">8I", 31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)
    gamma = (b"gAMA", struct.pack(">I", 100000))
    png("rgb8_gamma.png", noise(8, 3), 2, 8, gamma, (b"cHRM", chroma))
    png("rgb16_gamma.png", noise(16, 3), 2, 16, gamma)
    png("rgba8_gamma.png", noise(8, 4), 6, 8, gamma)
    png("grey8_gamma.png", noise(8, 1), 0, 8, gamma)
    ramp = np.add.outer(np.arange(18) * 5, np.arange(27) * 4)[..., None]
    colour = np.concatenate([ramp, 255 - ramp, ramp // 2 + 60], axis=2).astype(np.uint8)
    pictures = {
        "grey.jpg": Image.fromarray(colour[..., 0]),
        "rgb.jpg": Image.fromarray(colour),
        "cmyk.jpg": Image.fromarray(colour).convert("CMYK"),
    }
    for name, image in pictures.items():
        image.save(HERE / name, quality=90)
    for number in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = number
        Image.fromarray(colour).save(HERE / f"turned{number}.jpg", quality=90, exif=exif)
    expected = {}
    for path in sorted(HERE.glob("*.*g")):
        expected.update(expectations(path.name))
    save_file(expected, HERE / "expected.safetensors")


main()
