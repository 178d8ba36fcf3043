"""Images for the golden values of `entry.json`, and what is kept of each result. It needs numpy only."""

import numpy as np

#: Width and height: wide, tall, very wide, small, and narrow.
SIZES = ((640, 480), (301, 517), (1013, 211), (96, 75), (29, 301))
GRID, N_SAMPLED, N_FILTERS, FILTER_SIDE, STRIDE = 6, 60, 16, 7, 5


def make_photo(width, height):
    """Return an image with smooth shades, sharp edges, texture and noise, of shape (height, width, 3), as uint8."""
    rng = np.random.default_rng([width, height])
    y, x = np.mgrid[:height, :width]
    photo = np.zeros((height, width, 3))
    for channel in range(3):
        across, down = rng.uniform(-90, 90, 2)
        photo[:, :, channel] = 128 + across * (x / width - 0.5) + down * (y / height - 0.5)
    for _ in range(12):  # sharp edges
        left, top = rng.integers(0, width), rng.integers(0, height)
        part = photo[top:top + rng.integers(1, height), left:left + rng.integers(1, width // 2 + 2)]
        part += rng.uniform(-60, 60, 3)
    wave = rng.uniform(0.05, 0.6, 2)
    photo += 25 * np.sin(wave[0] * x + wave[1] * y)[:, :, None]
    photo += rng.normal(0, 8, photo.shape)
    return photo.round().clip(0, 255).astype(np.uint8)


def summarize(values):
    """Return what is kept of pixels of shape (height, width, 3), in gray levels from 0 to 255.

    Returns
    -------
    dict of str to ndarray
        "grid", means over the cells of a grid; "sampled", single values; "embedding", the mean response of random
        filters that see no constant color.
    """
    height, width, _ = values.shape
    rng = np.random.default_rng(0)
    rows, columns = (np.array_split(np.arange(side), GRID) for side in (height, width))
    filters = rng.normal(size=(N_FILTERS, FILTER_SIDE, FILTER_SIDE, 3))
    filters -= filters.mean(axis=(1, 2, 3), keepdims=True)
    windows = np.lib.stride_tricks.sliding_window_view(values, (FILTER_SIDE, FILTER_SIDE), axis=(0, 1))
    responses = np.einsum("hwcij,nijc->hwn", windows[::STRIDE, ::STRIDE], filters, optimize=True)
    return {
        "grid": np.array([[values[row[:, None], column].mean() for column in columns] for row in rows]),
        "sampled": values.ravel()[rng.integers(0, values.size, N_SAMPLED)],
        "embedding": np.maximum(responses, 0).mean(axis=(0, 1)),
    }
