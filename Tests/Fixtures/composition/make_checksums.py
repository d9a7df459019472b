"""Writes checksums.json: MIA-DPO's composed pictures, without labels, as Pillow makes them of pictures by a formula."""
import io
import json
from pathlib import Path

import numpy as np
import PIL
from PIL import Image

SIZES = [(640, 480), (480, 640), (427, 640), (500, 375), (333, 500), (1024, 768), (300, 200), (448, 448), (100, 900)]
GRIDS = {2: (1, 2), 3: (1, 3), 4: (2, 2), 6: (2, 3), 9: (3, 3)}


def picture(number):
    width, height = SIZES[number]
    y, x, c = np.ogrid[0:height, 0:width, 0:3]
    return Image.fromarray((((x * 7 + y * 13 + c * 29) ^ (x * y >> 3)) + number * 31 & 255).astype(np.uint8))


def grid(count):
    rows, columns = GRIDS[count]
    canvas = Image.new("RGB", (columns * 488 - 40, rows * 488), "white")
    for index in range(count):
        source = picture(index)
        aspect = source.width / source.height
        size = (448, int(448 / aspect)) if aspect > 1 else (int(448 * aspect), 448)
        canvas.paste(source.resize(size, Image.LANCZOS), (index % columns * 488, index // columns * 488 + 40))
    return canvas


def pic_in_pic(inner, outer, scale):
    inner, outer = picture(inner), picture(outer)
    aspect = inner.width / inner.height
    width = int(outer.width * scale)
    if outer.width * scale / aspect <= outer.height * scale:
        height = int(width / aspect)
    else:
        height = int(outer.height * scale)
        width = int(height * aspect)
    outer.paste(inner.resize((width, height)), ((outer.width - width) // 2, (outer.height - height) // 2))
    return outer.convert("RGB")


def checksum(canvas):
    total = 0xCBF29CE484222325
    for value in canvas.tobytes():
        total = (total ^ value) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return {"width": canvas.width, "height": canvas.height, "checksum": f"{total:016x}"}


def as_jpeg(canvas):
    stream = io.BytesIO()
    canvas.save(stream, "JPEG")
    return Image.open(stream)


cases = {f"grid {count}": checksum(grid(count)) for count in GRIDS}
for inner, outer in ((0, 1), (1, 0), (5, 6), (8, 3), (3, 8)):
    for scale in (0.7, 0.5):
        cases[f"pic-in-pic {inner} in {outer} at {scale}"] = checksum(pic_in_pic(inner, outer, scale))
cases["grid 2 as JPEG"] = checksum(as_jpeg(grid(2)))
text = json.dumps({"pillow": PIL.__version__, "cases": cases}, indent=1)
Path(__file__).with_name("checksums.json").write_text(text + "\n")
