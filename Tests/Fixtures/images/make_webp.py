"""The pictures of `webp/` and, in `webp/expected.safetensors`, what Pillow and transformers make of them.

    python make_webp.py      # NumPy, Pillow 13, transformers 5, safetensors
"""
import struct
from pathlib import Path
import numpy as np
from PIL import Image, ImageOps
from safetensors.numpy import save_file
from transformers.image_transforms import convert_to_rgb

HERE = Path(__file__).parent / "webp"
HERE.mkdir(exist_ok=True)
random = np.random.default_rng(32)


def picture(width, height, channels):
    y, x = np.mgrid[0:height, 0:width]
    planes = [x * 7 + y * 2, 255 - x * 3 - y, (x * y) // 3, x * 11 + y * 5]
    smooth = np.stack(planes[:channels], -1) % 256
    return Image.fromarray(np.clip(smooth + random.integers(-9, 9, smooth.shape), 0, 255).astype(np.uint8))


def exif(number):
    block = Image.Exif()
    block[0x0112] = number
    return block


XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="%d"/></x:xmpmeta>'
colour, clear = picture(33, 21, 3), picture(33, 21, 4)
save = lambda image, name, **options: image.save(HERE / name, **options)
save(colour, "lossy.webp", quality=80)
save(colour, "lossy_low.webp", quality=5)
save(colour, "lossless.webp", lossless=True)
save(clear, "lossy_alpha.webp", quality=80)
save(clear, "lossy_alpha_coarse.webp", quality=50, alpha_quality=20)
save(clear, "lossless_alpha.webp", lossless=True, exact=True)
save(clear, "lossless_alpha_free.webp", lossless=True)
save(picture(1, 1, 3), "one.webp", quality=80)
save(picture(1, 1, 4), "one_lossless.webp", lossless=True, exact=True)
save(picture(17, 1, 3), "row.webp", quality=80)
save(picture(1, 19, 3), "column.webp", quality=80)
save(picture(64, 3, 3).convert("L").convert("RGB"), "grey.webp", lossless=True)
save(picture(20, 20, 3).quantize(4).convert("RGB"), "palette.webp", lossless=True)
for number in range(1, 9):
    save(colour.crop((0, 0, 9, 5)), f"turned{number}.webp", lossless=number % 2 == 0, exif=exif(number))
save(clear.crop((0, 0, 9, 5)), "turned_alpha.webp", lossless=True, exact=True, exif=exif(6))
save(colour.crop((0, 0, 9, 5)), "xmp.webp", lossless=True, xmp=XMP % 7)
save(colour.crop((0, 0, 9, 5)), "exif_before_xmp.webp", lossless=True, exif=exif(3), xmp=XMP % 6)
frames = [picture(14, 10, 4) for _ in range(3)]
save(frames[0], "animated.webp", save_all=True, append_images=frames[1:], lossless=True, duration=100)
opaque = [picture(14, 10, 3) for _ in range(2)]
save(opaque[0], "animated_lossy.webp", save_all=True, append_images=opaque[1:], quality=70)

# A first frame smaller than its canvas: the container is written chunk by chunk.
def chunk(kind, body):
    return kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


number = lambda value: struct.pack("<I", value)[:3]
stream = (HERE / "palette.webp").read_bytes()[12:]
frame = number(2) + number(3) + number(19) + number(19) + number(100) + b"\0" + stream
for name, flags in (("canvas.webp", 0x02), ("canvas_alpha.webp", 0x12)):
    body = b"WEBP" + chunk(b"VP8X", bytes([flags, 0, 0, 0]) + number(29) + number(27))
    body += chunk(b"ANIM", bytes([10, 20, 30, 255, 0, 0])) + chunk(b"ANMF", frame)
    (HERE / name).write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)

expected = {}
for path in sorted(HERE.glob("*.webp")):
    image = Image.open(path)
    turned = ImageOps.exif_transpose(image)
    expected[f"{path.name}/on_white"] = np.ascontiguousarray(convert_to_rgb(turned, return_numpy=True))
    if image.mode == "RGBA":
        expected[f"{path.name}/dropped"] = np.ascontiguousarray(np.array(turned.convert("RGB")))
    print(path.name, image.mode, image.size, path.stat().st_size, getattr(image, "n_frames", 1))
save_file(expected, HERE / "expected.safetensors")
