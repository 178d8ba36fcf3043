"""Describe a backbone by its name."""

from __future__ import annotations

from .info import BackboneInfo


def describe_backbone(
    name: str, input_size: tuple[int, int] | None = None, *, pretrained: bool = True
) -> BackboneInfo:
    """Check the name of a backbone, and say what it is.

    Parameters
    ----------
    name : str
        A name in `BACKBONES`; the path of a folder with the ``config.json`` and the ``.safetensors`` of a network of
        transformers; or its name on the Hugging Face hub, ``ORGANIZATION/NAME`` or ``ORGANIZATION/NAME@REVISION``. A
        folder of that path counts first.
    input_size : (int, int), optional
        Width and height in pixels of the images that enter. Default: what the weights were trained with.
    pretrained : bool, default=True
        Whether the trained weights are wanted. They must be there, or are downloaded, with the files that say how
        images enter. With False only the architecture is needed, and a name in `BACKBONES` needs no connection; images
        are stretched and normalized by the mean and standard deviation of ImageNet.

    Returns
    -------
    BackboneInfo

    Raises
    ------
    ValueError
        If there is no such backbone, its weights cannot be read safely, it takes no images, or no images of that size.
    ModuleNotFoundError
        If a package is missing that it needs.
    ConnectionError
        If the hub does not answer, and the cache does not have it.
    """
    raise NotImplementedError
