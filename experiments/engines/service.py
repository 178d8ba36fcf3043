"""Answer photos with an exported ONNX file, in replicas of Ray Serve on one or several machines.

It needs ``ray[serve]``, ``onnxruntime`` and ``pillow``; twoflow need not be installed. Start it beside this file:

    serve run --working-dir . service:build model=/models/shoes.onnx replicas=2
"""

from __future__ import annotations

import asyncio
import json
import math
import os
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image, ImageCms, ImageOps
from ray import serve
from starlette.requests import Request
from starlette.responses import JSONResponse

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # onnxruntime reads it when it is first imported
import onnxruntime  # noqa: E402  # isort: skip

#: Limits of an upload: bytes of the file, and pixels of the image. Larger ones are refused before they are decoded.
MAX_BYTES, MAX_PIXELS = 20 * 2**20, 50_000_000


class Refused(Exception):
    """An upload that gets no answer: the status of the response, and the reason."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


# A replica takes one core: onnxruntime computes one image with one thread. The second request of a replica is read
# while the first is computed. More wait in a queue; beyond it, Ray Serve answers 503.
@serve.deployment(ray_actor_options={"num_cpus": 1}, max_ongoing_requests=2, max_queued_requests=64)
class Photos:
    """Answer ``POST /`` with a photo as its body.

    Parameters
    ----------
    model : str
        Path of the exported file. Every machine needs it under the same path.
    """

    def __init__(self, model: str) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        metadata = self._session.get_modelmeta().custom_metadata_map
        self._labels = json.loads(metadata["labels"])
        self._outputs = json.loads(metadata["card"])["outputs"]
        self._tree = json.loads(metadata.get("tree", "null"))

    async def __call__(self, request: Request) -> JSONResponse:
        try:
            content = await _body(request)
            return JSONResponse({"answers": await asyncio.to_thread(self._answer, content)})
        except Refused as refused:
            return JSONResponse({"error": str(refused)}, refused.status)

    def _answer(self, content: bytes) -> list[dict[str, Any]]:
        names = [output.name for output in self._session.get_outputs()]
        values = dict(zip(names, self._session.run(names, {"image": read(content)}), strict=True))
        probabilities = {target: values[name] for target, name in self._outputs.items()}
        if self._tree is not None:
            return [self._answer_of_tree(values, probabilities)]
        answers = []
        for target, shares in probabilities.items():
            best = int(shares.argmax())
            answers.append({
                "target": target,
                "label": self._labels[target][best],
                "confidence": float(shares[best]),
                "probabilities": shares.tolist(),
            })
        return answers

    def _answer_of_tree(
        self, values: dict[str, np.ndarray], probabilities: dict[str, np.ndarray]
    ) -> dict[str, Any]:
        """Return the answer of a model with a tree of classes, after its fallback; the path is empty for unknown."""
        node = int(values["node"][0])
        return {
            "path": self._tree["nodes"][node] if node >= 0 else [],
            "confidence": float(values["confidence"][0]),
            "in_scope": bool(values["in_scope"][0]) if "in_scope" in values else None,
            "probabilities": {level: shares.tolist() for level, shares in probabilities.items()},
        }


async def _body(request: Request) -> bytes:
    if request.method != "POST":
        raise Refused(405, f"expected POST, got {request.method}; send the file as the body of a POST")
    content = bytearray()
    async for part in request.stream():
        content += part
        if len(content) > MAX_BYTES:
            raise Refused(413, f"expected at most {MAX_BYTES:,} bytes, got more; send a smaller file")
    return bytes(content)


def read(content: bytes) -> np.ndarray:
    """Read a photo as twoflow does: upright, in sRGB, transparent parts on white; uint8 of shape (height, width, 3)."""
    try:
        with Image.open(BytesIO(content)) as image:
            if math.prod(image.size) > MAX_PIXELS:
                raise Refused(413, f"expected at most {MAX_PIXELS:,} pixels, got {math.prod(image.size):,}; "
                                   "send a smaller image")
            image = _to_srgb(ImageOps.exif_transpose(image))
            if image.has_transparency_data:
                image = image.convert("RGBA")
                image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
            return np.asarray(image.convert("RGB"))
    except Refused:
        raise
    except Exception as error:  # decoders raise almost any error for damaged bytes
        raise Refused(422, f"expected an image, got {len(content):,} bytes that cannot be read ({error}); "
                           "send a JPEG or PNG file") from error


def _to_srgb(image: Image.Image) -> Image.Image:
    profile = image.info.get("icc_profile")
    if not profile or image.mode != "RGB":
        return image
    try:
        return ImageCms.profileToProfile(image, ImageCms.ImageCmsProfile(BytesIO(profile)), _SRGB)
    except ImageCms.PyCMSError:  # a damaged profile, which is ignored
        return image


_SRGB = ImageCms.createProfile("sRGB")


def build(arguments: dict[str, str]) -> serve.Application:
    """Build the application from the arguments of ``serve run``: model, and the number of replicas (default: 1)."""
    return Photos.options(num_replicas=int(arguments.get("replicas", 1))).bind(arguments["model"])
