"""What a fine-tuning is asked for. Nothing here needs torch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TrainingPlan:
    """The choices of one fine-tuning.

    Parameters
    ----------
    train : {"head", "whole"} or int, default="whole"
        What is trained: only the head, the whole trunk too, or the head and this number of last stages.
    max_epochs : int, default=30
        The largest number of passes over the training images.
    batch_size : int, default=32
        How many images each step of the training takes.
    learning_rate : float, default=1e-3
        The learning rate of the head.
    backbone_rate : float, default=0.1
        The learning rate of a pretrained trunk as a share of `learning_rate`. It has no effect if `pretrained` is
        False, because then both are trained at `learning_rate`.
    weight_decay : float, default=1e-2
        The decoupled weight decay of AdamW. Intercepts, and scales of normalizations, do not decay.
    label_smoothing : float in [0, 1), default=0.1
        The share of each label that the loss spreads evenly over all classes.
    augment : str or None, default="standard"
        How training images are changed at random; see `make_augmentation`. None changes nothing.
    patience : int or None, default=8
        Stop after this many epochs in a row without a smaller loss on held-out images. None never stops early. It has
        no effect if no images are held out.
    precision : {"auto", "float32", "mixed"}, default="auto"
        "mixed" computes most of the trunk with 16 bits. "auto" is "mixed" on a GPU and "float32" on the CPU.
    pretrained : bool, default=True
        Whether the trunk's weights were trained before. If so, its batch norm keeps its statistics, and the training
        starts from a linear probe. If not, the statistics are learned, and the head starts at zero.
    seed : int, default=0
        It draws the order of the images and their augmentation.
    device : str, default="auto"
        "auto" is a GPU if torch finds one, otherwise the CPU. Any other value is torch's name of a device.
    n_jobs : int or None, default=None
        How many threads compute on a CPU; it does not change the result. None is 1, unless a
        ``joblib.parallel_config`` says otherwise. -1 is all cores.
    verbose : bool, default=False
        Whether to show progress on stderr.
    checkpoint : str or None, default=None
        The folder for checkpoints, made if missing. A killed training goes on from its last finished epoch, and a
        finished one is not trained again. None writes no checkpoints.
    """

    train: str | int = "whole"
    max_epochs: int = 30
    batch_size: int = 32
    learning_rate: float = 1e-3
    backbone_rate: float = 0.1
    weight_decay: float = 1e-2
    label_smoothing: float = 0.1
    augment: str | None = "standard"
    patience: int | None = 8
    precision: str = "auto"
    pretrained: bool = True
    seed: int = 0
    device: str = "auto"
    n_jobs: int | None = None
    verbose: bool = False
    checkpoint: str | None = None
