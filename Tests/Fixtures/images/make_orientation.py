"""The pictures of `orientation/` and, in `orientation/expected.safetensors`, what Pillow's exif_transpose makes of them.

    python make_orientation.py      # NumPy, Pillow 13, safetensors
"""
import io, struct, zlib
from pathlib import Path
import numpy as np
from PIL import Image, ImageOps
from safetensors.numpy import save_file

HERE = Path(__file__).parent / "orientation"
HERE.mkdir(exist_ok=True)
y, x = np.mgrid[0:5, 0:7]
image = Image.fromarray(np.stack([x * 30, y * 40, (x + y) * 20], -1).astype(np.uint8))


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def tiff(number, order=">"):
    mark = b"MM" if order == ">" else b"II"
    return mark + struct.pack(order + "HIHHHIHHI", 42, 8, 1, 0x0112, 3, 1, number, 0, 0)


def profile(number):
    body = b"Exif\0\0" + tiff(number)
    return b"\nexif\n%8d\n" % len(body) + body.hex().encode() + b"\n"


def png(*chunks, behind=()):
    stream = io.BytesIO()
    image.save(stream, "PNG")
    data = stream.getvalue()
    at, end = data.index(b"IDAT") - 4, data.index(b"IEND") - 4
    return data[:at] + b"".join(chunks) + data[at:end] + b"".join(behind) + data[end:]


def jpeg(segment):
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=100, subsampling=0)
    data = stream.getvalue()
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + data[2:]


XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="%d"/></x:xmpmeta>'
ELEMENT = b"<x:xmpmeta><tiff:Orientation>%d</tiff:Orientation></x:xmpmeta>"
xmp = lambda text, packed=False: chunk(
    b"iTXt", b"XML:com.adobe.xmp\0" + (b"\1" if packed else b"\0") + b"\0\0\0" + (zlib.compress(text) if packed else text))
files = {f"exif{n}.png": png(chunk(b"eXIf", tiff(n, "><"[n % 2]))) for n in range(1, 9)}
files |= {
    "exif_behind.png": png(behind=[chunk(b"eXIf", tiff(6))]),
    "exif_mark.png": png(chunk(b"eXIf", b"Exif\0\0" + tiff(6))),
    "exif_zero.png": png(chunk(b"eXIf", tiff(0))),
    "profile_text.png": png(chunk(b"tEXt", b"Raw profile type exif\0" + profile(8))),
    "profile_packed.png": png(chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(profile(3)))),
    "xmp.png": png(xmp(XMP % 6)), "xmp_packed.png": png(xmp(ELEMENT % 5, True)),
    "exif_before_xmp.png": png(chunk(b"eXIf", tiff(2)), xmp(XMP % 6)),
    "xmp_without_exif.png": png(chunk(b"eXIf", b"MM\0\x2a\0\0\0\x08\0\0\0\0\0\0"), xmp(XMP % 4)),
    "xmp.jpg": jpeg(b"http://ns.adobe.com/xap/1.0/\0" + XMP % 7),
    "exif.jpg": jpeg(b"Exif\0\0" + tiff(6)),
}
arrays = {}
for name, data in files.items():
    (HERE / name).write_bytes(data)
    arrays[name] = np.ascontiguousarray(np.array(ImageOps.exif_transpose(Image.open(HERE / name)).convert("RGB")))
    print(name, arrays[name].shape)
save_file(arrays, str(HERE / "expected.safetensors"))
