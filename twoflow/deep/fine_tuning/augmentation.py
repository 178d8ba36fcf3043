"""Change training images at random, so that a network does not learn single images."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...errors import InputError

if TYPE_CHECKING:
    from torch import Generator, Tensor

_N_DRAWN = 11  # random numbers for each image: 7 for places, 4 for colors

# The weights of red, green and blue in the gray value of a color (ITU-R BT.601), by which saturation is changed.
_GRAY = (0.299, 0.587, 0.114)
# From RGB to YIQ (the NTSC transmission standard of 1953). Turning I and Q by an angle turns the hue and keeps the gray
# value.
_YIQ = (_GRAY, (0.596, -0.274, -0.322), (0.211, -0.523, 0.312))


@dataclass(frozen=True)
class Augmentation:
    """The ranges of the random changes of an image. It is callable, with a batch and a seed.

    Each image gets its own changes. First a random part of it is turned, mirrored and enlarged to the size of the
    image, all in one bilinear interpolation. Where the turned part goes beyond the image, the pixels at the edge
    continue; so a white background stays white. Then its colors are changed by one matrix, and cut to 0..1.

    Parameters
    ----------
    least_area : float in (0, 1], default=1
        The smallest share of the area of the image that the part may have. 1 keeps the whole image.
    stretch : float, at least 1, default=1
        The part is up to this many times wider than high, or higher than wide, measured in units of the image. It has
        no effect where the part would not fit into the image.
    mirror : float in [0, 1], default=0
        The probability that left and right are swapped.
    flip : float in [0, 1], default=0
        The probability that top and bottom are swapped.
    rotation : float, default=0
        The largest angle in degrees, in both directions.
    brightness, contrast, saturation : float in [0, 1), default=0
        Each is a factor between 1 - value and 1 + value. Contrast is the distance from mid-gray, and saturation the
        distance from the gray value of the color.
    hue : float in [0, 0.5], default=0
        The largest change of the hue in both directions, in turns of the plane of I and Q of YIQ. The gray value
        stays.

    Notes
    -----
    torch alone does it, because libraries of augmentations draw from torch's global state, which threads share.
    Measured on one thread at 224 x 224 pixels, "standard" and "strong" take 1.3 to 1.5 ms an image, and the same by
    kornia 0.9 6.7 ms: its change of hue goes through HSV. A step of training EfficientNet-Lite0 takes about 33 ms an
    image.

    Parts are enlarged from the pixels that the network would see, and not from the file. So the images of a training
    are decoded once.
    """

    least_area: float = 1.0
    stretch: float = 1.0
    mirror: float = 0.0
    flip: float = 0.0
    rotation: float = 0.0
    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    hue: float = 0.0

    @property
    def moves(self) -> bool:
        """Whether pixels may change their places."""
        return self.least_area < 1 or self.stretch > 1 or any((self.mirror, self.flip, self.rotation))

    @property
    def colors(self) -> bool:
        """Whether colors may change."""
        return any((self.brightness, self.contrast, self.saturation, self.hue))

    @property
    def only_mirrors(self) -> bool:
        """Whether an image can become nothing but its mirror image."""
        return self == Augmentation(mirror=self.mirror)

    def mirrors(self, drawn: Tensor) -> Tensor:
        """Return which images are mirrored as drawn, as bool of shape (n,)."""
        return drawn[:, 2] < self.mirror

    def draw(self, n: int, seed: int | Generator) -> Tensor:
        """Draw the changes of n images.

        Parameters
        ----------
        n : int
        seed : int or torch.Generator on the CPU
            The only source of random numbers; torch's global state is neither used nor changed.

        Returns
        -------
        Tensor of shape (n, 11) and dtype float32
            A row for each image, with numbers in 0..1 that `apply` maps into the ranges. Rows may be taken apart, so
            that several threads apply a share each.
        """
        import torch

        generator = torch.Generator().manual_seed(seed) if isinstance(seed, int) else seed
        return torch.rand(n, _N_DRAWN, generator=generator)

    def apply(self, batch: Tensor, drawn: Tensor) -> Tensor:
        """Change images as drawn. The result of an image depends on nothing but itself and its row.

        Parameters
        ----------
        batch : Tensor of shape (n, 3, height, width) and dtype float32
            RGB, in 0..1.
        drawn : Tensor of shape (n, 11)
            From `draw`; on the CPU.

        Returns
        -------
        Tensor of the shape, dtype, device and range of `batch`
            The batch itself if nothing changes.
        """
        if self.moves:
            batch = self._move(batch, drawn)
        return self._color(batch, drawn) if self.colors else batch

    def __call__(self, batch: Tensor, seed: int | Generator) -> Tensor:
        """Draw the changes of a batch, and apply them; see `draw` and `apply`."""
        return self.apply(batch, self.draw(len(batch), seed))

    def _move(self, batch: Tensor, drawn: Tensor) -> Tensor:
        """Interpolate each image at the places of its part.

        Coordinates run from -1 to 1 on both axes. So angles are turned in units of pixels, for images that are not
        square.
        """
        import torch
        from torch.nn.functional import grid_sample

        height, width = batch.shape[2:]
        area, stretch, mirror, flip, x, y, rotation = drawn[:, :7].unbind(1)
        side = (self.least_area + (1 - self.least_area) * area).sqrt()
        longer = torch.exp((2 * stretch - 1) * (math.log(self.stretch) / 2))
        half_x, half_y = (side * longer).clamp(max=1), (side / longer).clamp(max=1)
        center_x, center_y = (1 - half_x) * (2 * x - 1), (1 - half_y) * (2 * y - 1)
        half_x = torch.where(mirror < self.mirror, -half_x, half_x)
        half_y = torch.where(flip < self.flip, -half_y, half_y)
        angle = (2 * rotation - 1) * math.radians(self.rotation)
        cosine, sine = angle.cos(), angle.sin()
        own = [
            value.to(batch.device)[:, None, None]
            for value in (
                half_x * cosine, -half_y * sine * (height / width), center_x,
                half_x * sine * (width / height), half_y * cosine, center_y,
            )
        ]
        across, down = (
            ((2 * torch.arange(n, device=batch.device) + 1) / n - 1).view(shape)
            for n, shape in ((width, (1, 1, width)), (height, (1, height, 1)))
        )
        places = [own[i] * across + own[i + 1] * down + own[i + 2] for i in (0, 3)]
        return grid_sample(batch, torch.stack(places, dim=3), padding_mode="border", align_corners=False)

    def _color(self, batch: Tensor, drawn: Tensor) -> Tensor:
        """Multiply the three channels of each image by its matrix, and add its offset."""
        import torch

        centered = 2 * drawn[:, 7:] - 1
        brightness, contrast, saturation = (
            1 + each * largest
            for each, largest in zip(centered.unbind(1), (self.brightness, self.contrast, self.saturation))
        )
        angle = centered[:, 3] * (2 * math.pi * self.hue)
        to_yiq = torch.tensor(_YIQ, dtype=torch.float64)
        turn = torch.zeros(len(drawn), 3, 3, dtype=torch.float64)
        turn[:, 0, 0] = 1
        turn[:, 1, 1] = turn[:, 2, 2] = angle.cos() * saturation
        turn[:, 2, 1] = angle.sin() * saturation
        turn[:, 1, 2] = -turn[:, 2, 1]
        matrix = (torch.linalg.inv(to_yiq) @ turn @ to_yiq) * (brightness * contrast)[:, None, None]
        own = matrix.to(batch)[..., None, None]
        offset = (0.5 * (1 - contrast)).to(batch)[:, None, None]
        red, green, blue = batch.unbind(1)
        changed = [own[:, i, 0] * red + own[:, i, 1] * green + own[:, i, 2] * blue + offset for i in range(3)]
        return torch.stack(changed, dim=1).clamp_(0, 1)


#: The augmentations by name. "standard" is mild, for product photos. "strong" has the changes of Gopalakrishnan, Bindhu
#: & Li; their report gives no ranges, so these are ours. "color-safe" is for targets that are colors. It keeps the
#: brightness too, because white, gray and black differ by nothing else.
AUGMENTATIONS: dict[str | None, Augmentation] = {
    None: Augmentation(),
    "mirror": Augmentation(mirror=0.5),
    "standard": Augmentation(
        least_area=0.6, stretch=1.2, mirror=0.5, rotation=10, brightness=0.1, contrast=0.1, saturation=0.1, hue=0.02
    ),
    "strong": Augmentation(
        least_area=0.3, stretch=4 / 3, mirror=0.5, flip=0.5, rotation=30, brightness=0.2, contrast=0.2, saturation=0.2,
        hue=0.05,
    ),
    "color-safe": Augmentation(least_area=0.6, stretch=1.2, mirror=0.5, rotation=10),
}


def make_augmentation(name: str | None) -> Augmentation:
    """Return the augmentation of a name in `AUGMENTATIONS`; None changes nothing.

    Raises
    ------
    InputError
        If there is none of this name.
    """
    if name not in AUGMENTATIONS:
        known = ", ".join(map(repr, AUGMENTATIONS))
        raise InputError(f"augment: expected one of {known}, got {name!r}; choose one")
    return AUGMENTATIONS[name]
