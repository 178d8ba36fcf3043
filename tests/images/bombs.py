"""Make small files that ask a decoder for far more memory or time than their size suggests.

``python -m tests.images.bombs`` reads each file in a new process and prints its peak memory and time. Both have a
limit, whether the file is read or refused.
"""

import json
import struct
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from .hostile import encoded

MOST_BYTES, MOST_SECONDS = 600_000_000, 5.0

_CHILD = """
import json, sys, time
from twoflow._peak_memory import peak_memory
from twoflow.images import ImageReadError, LoadedImage, read_image
began = time.perf_counter()
try:
    what = "{} x {}".format(*read_image(sys.argv[1]).shape[1::-1])
    middle = time.perf_counter()
    LoadedImage(sys.argv[1]).resized((224, 224))
except ImageReadError as error:
    what, middle = error.reason, time.perf_counter()
print(json.dumps({"what": what, "seconds": max(middle - began, time.perf_counter() - middle),
                  "memory": peak_memory().n_bytes}))
"""


def measure(path: Path) -> dict:
    """Read a file in another process; return the outcome ("what"), the "seconds", and the peak "memory" in bytes."""
    done = subprocess.run([sys.executable, "-c", _CHILD, str(path)], capture_output=True, text=True, timeout=120)
    return json.loads(done.stdout) if done.returncode == 0 else {
        "what": f"DIED {done.returncode}: {done.stderr[-300:]}", "seconds": 0.0, "memory": 0
    }


def png_chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width, height, depth, kind, chunks=b"", interlaced=0, rows=None):
    samples = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[kind]
    line = (width * samples * depth + 7) // 8 + 1
    packer = zlib.compressobj(1)
    data = b"".join([packer.compress(bytes(line)) for _ in range(height if rows is None else rows)])
    data += packer.compress(bytes(line * 8)) if interlaced else b""
    data += packer.flush()
    palette = png_chunk(b"PLTE", bytes(range(256)) * 3) + png_chunk(b"tRNS", bytes(range(256))) if kind == 3 else b""
    return b"\x89PNG\r\n\x1a\n" + png_chunk(
        b"IHDR", struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, interlaced)
    ) + chunks + palette + png_chunk(b"IDAT", data) + png_chunk(b"IEND", b"")


def zeros_packed(n_bytes: int) -> bytes:
    packer, block = zlib.compressobj(1), bytes(2**20)
    return b"".join([packer.compress(block) for _ in range(n_bytes // 2**20)]) + packer.flush()


def flat(mode, width, height):
    return Image.new(mode, (width, height), 90)


def with_segments(content: bytes, segments: bytes) -> bytes:
    return content[:2] + segments + content[2:]


def segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def patched(content: bytes, old: bytes, new: bytes) -> bytes:
    assert old in content
    return content.replace(old, new, 1)


def many_scans(n_scans: int, width: int, height: int) -> bytes:
    content = encoded(flat("L", 64, 64), "JPEG", progressive=True)
    sof = content.index(b"\xff\xc2")
    content = content[:sof + 5] + struct.pack(">HH", height, width) + content[sof + 9:]
    last = content.rindex(b"\xff\xda")
    return content[:last] + content[last:-2] * n_scans + b"\xff\xd9"


def sequential_scans(n_scans: int, width: int, height: int) -> bytes:
    content = encoded(flat("RGB", 64, 64), "JPEG", subsampling=0)
    sof, sos = content.index(b"\xff\xc0"), content.index(b"\xff\xda")
    head = content[:sof + 5] + struct.pack(">HH", height, width) + content[sof + 9:sos]
    scans = b"".join(segment(0xDA, bytes([1, 1 + i % 3, 0, 0, 63, 0])) + bytes(8) for i in range(n_scans))
    return head + scans + b"\xff\xd9"


def webp_canvas(side: int) -> bytes:
    frame = encoded(flat("RGB", 8, 8), "WEBP")[12:]
    canvas = b"VP8X" + struct.pack("<I", 10) + bytes([0x02, 0, 0, 0]) + (side - 1).to_bytes(3, "little") * 2
    animation = b"ANIM" + struct.pack("<I", 6) + bytes(6)
    moved = b"ANMF" + struct.pack("<I", 16 + len(frame)) + bytes(6) + (7).to_bytes(3, "little") * 2 + bytes(4) + frame
    body = b"WEBP" + canvas + animation + moved
    return b"RIFF" + struct.pack("<I", len(body)) + body


def gif(width, height, extensions=b"", n_frames=1):
    content = encoded(flat("L", 8, 8), "GIF")
    start = content.index(b",\0\0\0\0")
    head = content[:6] + struct.pack("<HH", width, height) + content[10:start]
    return head + extensions + content[start:-1] * n_frames + b";"


def bmp(width, height, depth, compression, data):
    return b"BM" + struct.pack("<IHHI", 0, 0, 0, 14 + 40 + 1024) + struct.pack(
        "<IiiHHIIiiII", 40, width, height, 1, depth, compression, len(data), 0, 0, 256, 0
    ) + bytes(range(256)) * 4 + data


def tiff(tags: Mapping[int, tuple[int, int, int]], data: bytes = b"") -> bytes:
    """Make a TIFF file of tags (type, count, value); `data` begins at byte 8."""
    start = 8 + len(data) + len(data) % 2
    entries = b"".join(struct.pack("<HHII", tag, *value) for tag, value in sorted(tags.items()))
    return b"II*\0" + struct.pack("<I", start) + data + bytes(len(data) % 2) + struct.pack(
        "<H", len(tags)) + entries + bytes(4)


def gray_tags(width, height, **more):
    tags = {256: (4, 1, width), 257: (4, 1, height), 258: (3, 1, 8), 259: (3, 1, 1), 262: (3, 1, 1), 277: (3, 1, 1),
            278: (4, 1, height), 273: (4, 1, 8), 279: (4, 1, 100)}
    return tags | {int(tag[1:]): value for tag, value in more.items()}


def tiff_strips(n: int) -> bytes:
    data = struct.pack("<I", 8) * n + struct.pack("<I", 1) * n
    return tiff(gray_tags(1000, n, t278=(4, 1, 1), t273=(4, n, 8), t279=(4, n, 8 + 4 * n)), data)


def jpeg2000(width, height, tile=None, **options):
    content = encoded(flat("RGB", 64, 64), "JPEG2000", no_jp2=True, **options)
    size = content[:8] + struct.pack(">IIII", width, height, 0, 0) + struct.pack(
        ">II", *(tile or (width, height))) + content[32:]
    return size


def avif(old, new, **options):
    return patched(encoded(flat("RGB", 512, 512), "AVIF", **options), old, new)


def size_box(width, height):
    return b"ispe" + struct.pack(">III", 0, width, height)


def large(mode, width, height, kind, **options):
    return lambda: encoded(flat(mode, width, height), kind, **options)


def noise(width, height, kind, **options):
    def make() -> bytes:
        pixels = np.random.default_rng(0).integers(0, 256, (height // 8, width // 8, 3), np.uint8)
        return encoded(Image.fromarray(pixels).resize((width, height)), kind, **options)

    return make


_EXIF_ENTRIES = struct.pack("<H", 5000) + struct.pack("<HHII", 0x010F, 2, 0x7FFFFFFF, 8) * 5000

#: The functions that make the files, by name.
BOMBS: Mapping[str, Callable[[], bytes]] = {
    "png of 400 megapixels of one bit": lambda: png(20_000, 20_000, 1, 0),
    "png of 51 megapixels, RGBA": lambda: png(8_200, 6_200, 8, 6),
    "png of 51 megapixels, 16-bit RGBA": lambda: png(8_200, 6_200, 16, 6),
    "png of 49 megapixels, interlaced": lambda: png(7_000, 7_000, 8, 2, interlaced=1),
    "png of 58 megapixels, palette with alpha": lambda: png(8_000, 7_250, 8, 3),
    "png of 55 megapixels, 16-bit gray": lambda: png(8_000, 6_900, 16, 0),
    "png with 4 million chunks": lambda: png(8, 8, 8, 2, png_chunk(b"tEXt", b"a\0") * 4_000_000),
    "png with 3 million pixel chunks": lambda: png(8, 8, 8, 2, png_chunk(b"IDAT", b"") * 3_000_000),
    "png with a zTXt of 3 GB": lambda: png(8, 8, 8, 2, png_chunk(b"zTXt", b"a\0\0" + zeros_packed(3 * 2**30))),
    "png with an iCCP of 3 GB": lambda: png(8, 8, 8, 2, png_chunk(b"iCCP", b"a\0\0" + zeros_packed(3 * 2**30))),
    "png with EXIF of 5,000 strings of 2 GB": lambda: png(
        8, 8, 8, 2, png_chunk(b"eXIf", b"II*\0\x08\0\0\0" + _EXIF_ENTRIES)),
    "png in a row of 50 megapixels": lambda: png(50_000_000, 1, 8, 2),
    "jpeg of 4,290 megapixels": lambda: many_scans(1, 65_500, 65_500),
    "jpeg of 2,000 scans, 10 megapixels": lambda: many_scans(2_000, 3_200, 3_200),
    "jpeg of 40 scans, 50 megapixels": lambda: many_scans(40, 8_160, 6_144),
    "jpeg of 3,000 sequential scans": lambda: sequential_scans(3_000, 3_200, 3_200),
    "jpeg, progressive, 50 megapixels": noise(8_160, 6_144, "JPEG", progressive=True),
    "jpeg, progressive 4:4:4, 50 megapixels": noise(8_160, 6_144, "JPEG", progressive=True, subsampling=0),
    "jpeg of 50 megapixels, turned": noise(8_160, 6_144, "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\x01\0" + struct.pack(
        "<HHIHH", 0x0112, 3, 1, 6, 0) + bytes(4)),
    "jpeg of 50 megapixels, CMYK": large("CMYK", 8_160, 6_144, "JPEG"),
    "jpeg with 10 million comments": lambda: with_segments(
        encoded(flat("RGB", 8, 8), "JPEG"), segment(0xFE, b"") * 10_000_000),
    "jpeg with EXIF of 5,000 strings of 2 GB": lambda: with_segments(
        encoded(flat("RGB", 8, 8), "JPEG"), segment(0xE1, b"Exif\0\0II*\0\x08\0\0\0" + _EXIF_ENTRIES)),
    "jpeg with a profile of 16 MB": lambda: with_segments(encoded(flat("RGB", 8, 8), "JPEG"), b"".join(
        segment(0xE2, b"ICC_PROFILE\0" + bytes([i, 255]) + bytes(65_000)) for i in range(1, 256))),
    "webp with a canvas of 268 megapixels": lambda: webp_canvas(16_384),
    "webp with a canvas of 49 megapixels": lambda: webp_canvas(7_000),
    "webp, lossless, 23 megapixels": large("RGB", 5_800, 4_000, "WEBP", lossless=True, method=0),
    "gif of 4,290 megapixels": lambda: gif(65_535, 65_535),
    "gif of 58 megapixels": lambda: gif(8_000, 7_250),
    "gif with 20 million comments": lambda: gif(8, 8, b"!\xfe\0" * 20_000_000),
    "gif with a comment of 100 MB": lambda: gif(8, 8, b"!\xfe" + (b"\xff" + bytes([65] * 255)) * 400_000 + b"\0"),
    "gif with 200,000 frames": lambda: gif(8, 8, n_frames=200_000),
    "bmp of 4 billion rows": lambda: bmp(100, -2**31 + 1, 24, 0, bytes(100)),
    "bmp of 55 megapixels, sparse": lambda: bmp(8_000, 6_900, 24, 0, bytes(100)),
    "bmp, run-length, large steps": lambda: bmp(60_000, 900, 8, 1, b"\0\2\xff\xff" * 100_000),
    "bmp, run-length, 20 MB of short runs": lambda: bmp(8_000, 6_000, 8, 1, b"\1\1" * 10_000_000),
    "tiff with a tag of 4 billion values": lambda: tiff(gray_tags(10, 10, t700=(1, 2**32 - 1, 8)), bytes(100)),
    "tiff with strips of 4 billion values": lambda: tiff(gray_tags(10, 10, t273=(4, 2**30, 8)), bytes(100)),
    "tiff with a tile of 3,600 megapixels": lambda: tiff(
        {key: value for key, value in gray_tags(10, 10, t322=(4, 1, 60_000), t323=(4, 1, 60_000), t324=(4, 1, 8),
         t325=(4, 1, 100), t259=(3, 1, 8)).items() if key not in (273, 278, 279)}, zlib.compress(bytes(2**20))),
    "tiff with 60,000 strips": lambda: tiff_strips(60_000),
    "tiff with 2 million strips": lambda: tiff_strips(2_000_000),
    "tiff with 100 IFDs of one another's": lambda: tiff(gray_tags(10, 10, **{f"t{i}": (4, 25, 8) for i in range(
        40_000, 45_000)}), bytes(100)),
    "tiff of 50 megapixels, deflate, RGBA": large("RGBA", 8_160, 6_144, "TIFF", compression="tiff_adobe_deflate"),
    "tiff of 50 megapixels, uncompressed": large("RGB", 8_160, 6_144, "TIFF"),
    "tiff of 30 megapixels, LZW": large("RGB", 6_000, 5_000, "TIFF", compression="tiff_lzw"),
    "jpeg 2000 of 64 megapixels": lambda: jpeg2000(8_000, 8_000),
    "jpeg 2000 of 19 megapixels": lambda: jpeg2000(4_400, 4_400),
    "jpeg 2000 of 14 megapixels": noise(4_400, 3_200, "JPEG2000", irreversible=True, quality_layers=[20]),
    "jpeg 2000 of 65,000 tiles": lambda: jpeg2000(2_550, 2_550, (10, 10)),
    "jpeg 2000 of one-pixel tiles": lambda: jpeg2000(4_000, 4_000, (1, 1)),
    "jpeg 2000 with small code blocks": lambda: jpeg2000(4_000, 4_000, codeblock_size=(4, 4)),
    "jpeg 2000 with precincts of a pixel": lambda: jpeg2000(3_000, 3_000, precinct_size=(1, 1), codeblock_size=(4, 4)),
    "avif of 268 megapixels": lambda: avif(size_box(512, 512), size_box(16_384, 16_384)),
    "avif of a small size, a large frame": lambda: patched(
        encoded(flat("RGB", 6_000, 6_000), "AVIF", speed=10), size_box(6_000, 6_000), size_box(64, 64)),
    "avif of 36 megapixels": large("RGB", 6_000, 6_000, "AVIF", speed=10),
    "avif of 25 megapixels, 4:4:4 with alpha": large("RGBA", 5_000, 5_000, "AVIF", speed=10, subsampling="4:4:4"),
    "ppm, plain, 100 million samples": lambda: b"P3 6000 6000 255\n" + b"0 " * 100_000_000,
    "ppm, plain, 8 million samples": lambda: b"P3 1600 1600 200\n" + b"199 " * 7_680_000,
    "pgm with 20 million comments": lambda: b"P2 8 8 255\n" + b"#\n" * 20_000_000 + b"1 " * 64,
    "pgm with white as 254, 40 megapixels": lambda: b"P5 8000 5000 254\n" + bytes(40_000_000),
    "ppm of 400 MB": lambda: b"P6 11000 11000 255\n" + bytes(400_000_000),
    "ppm with a header of 100 MB": lambda: b"P6 #" + b"a" * 100_000_000 + b"\n8 8 255\n" + bytes(192),
}


def main() -> None:
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    with tempfile.TemporaryDirectory() as folder:
        path, n_bad = Path(folder, "bomb"), 0
        for name, make in BOMBS.items():
            if wanted not in name:
                continue
            path.write_bytes(make())
            found = measure(path)
            is_bad = found["what"].startswith("DIED") or found["memory"] > MOST_BYTES or found["seconds"] > MOST_SECONDS
            n_bad += is_bad
            print(
                f"{'BAD ' if is_bad else ''}{name} ({path.stat().st_size / 1e6:,.2f} MB): {found['what'][:110]}; "
                f"{found['memory'] / 1e6:,.0f} MB, {found['seconds']:.2f} s", flush=True,
            )
        print(f"{n_bad} of {len(BOMBS)} beyond the limits of {MOST_BYTES / 1e6:,.0f} MB and {MOST_SECONDS:.0f} s")


if __name__ == "__main__":
    main()
