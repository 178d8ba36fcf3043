"""Fine-tune a trunk and its heads. It imports torch, so it is imported only when it is used."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

from ..._progress import Phase, phase
from ...errors import InputError
from ..allocation import kept_memory
from ..device import pick_device
from .augmentation import make_augmentation
from .checkpoints import Checkpoints, digest_training
from .inputs import FreshInputs, Halves, KeptInputs, make_inputs
from .linear_probe import fit_probe
from .loss import Labels
from .memory import check_memory, one_line_memory_errors
from .plan import TrainingPlan
from .schedule import find_best, is_over, rate_of_epoch, warm_up
from .statistics import FixedStatistics, LearnedStatistics
from .workers import Workers, open_workers, split_evenly

_AT_A_TIME = 256  # images between two steps of progress


class Trained(NamedTuple):
    """What a fine-tuning has learned besides the weights of the trunk.

    Attributes
    ----------
    heads : list of (ndarray of shape (width, n_classes), ndarray of shape (n_classes,))
        For each target the coefficients and intercepts of the scores, float64, for embeddings as the trunk returns
        them. The softmax of the scores is the probability.
    history : list of dict
        One for each epoch: "epoch", "train_loss", "train_accuracy", "learning_rate" and "seconds", and if images are
        held out also "valid_loss" and "valid_accuracy". With several targets there are lists of the accuracies of each,
        "train_accuracies" and "valid_accuracies", too. Epoch 0 is the linear probe, before anything is trained. Losses
        are weighted, smoothed cross-entropies, summed over the targets; accuracies are means over the targets, of
        images that have a label. From epoch 1 on, those of the training images are measured during the epoch, on
        augmented images.
    epochs : int
        How many epochs were trained.
    best_epoch : int
        The epoch whose weights are kept: that of the smallest loss on held-out images, or the last one.
    train_accuracy : float
        The accuracy on the training images as they are, without held-out images; the mean over the targets.
    """

    heads: list[tuple[np.ndarray, np.ndarray]]
    history: list[dict[str, Any]]
    epochs: int
    best_epoch: int
    train_accuracy: float


def fine_tune(
    trunk: Any,
    pixels: np.ndarray,
    codes: np.ndarray,
    n_classes: Sequence[int],
    class_weights: Sequence[np.ndarray],
    held_out: np.ndarray,
    plan: TrainingPlan,
    groups: np.ndarray | None = None,
) -> Trained:
    """Train a trunk in place, with one linear head for each target.

    Parameters
    ----------
    trunk : Trunk
        Afterwards it has the weights of the best epoch, on the CPU, in evaluation mode.
    pixels : ndarray of shape (n, height, width, 3) and dtype uint8
        RGB, of the size that the trunk takes.
    codes : ndarray of shape (n, k) and dtype int64
        The position of each image's class, by target; -1 is a missing label, which has no part in the loss.
    n_classes : sequence of k int
    class_weights : sequence of k ndarray of shape (n_classes,)
        The weight of each class in the loss of its target.
    held_out : ndarray of shape (n,) and dtype bool
        The images to validate on. Nowhere True: train for `max_epochs`, while the learning rate falls to zero.
    plan : TrainingPlan
    groups : ndarray of shape (n,), optional
        Images of one group are left out together when the linear probe chooses its ridge. Default: each image is a
        group.

    Returns
    -------
    Trained

    Raises
    ------
    ValueError
        If the training images have one class of a target only; the loss becomes NaN or infinite; there is too little
        memory; or the statistics of batch norm are to be learned from batches of one image.
    OSError
        If the folder for checkpoints cannot be made.

    Notes
    -----
    AdamW (Loshchilov & Hutter, 2019, https://doi.org/10.48550/arXiv.1711.05101) trains the head at the learning rate,
    and a pretrained trunk at a share of it. The learning rate rises over the first 50 steps; see `schedule` for how it
    falls. Dropout and random depth are off.

    The head is trained on embeddings that are standardized by the mean and standard deviation they have before the
    training; in the end both become part of the coefficients.

    On a CPU the same seed gives the same weights, whatever `n_jobs`, and whether the training was killed and went on
    from a checkpoint, or not.
    """
    device = pick_device(plan.device)
    given = [codes, np.asarray(n_classes), *class_weights, held_out, *([] if groups is None else [groups])]
    checkpoints = None
    if plan.checkpoint is not None:
        checkpoints = Checkpoints(plan.checkpoint, digest_training(plan, device, trunk, pixels, given))
    labels = Labels(codes, n_classes, class_weights, plan.label_smoothing)
    trunk.to(device).eval()
    halves = Halves(trunk, trunk.info.count_frozen(plan.train), device, _pick_type(plan.precision, device))
    with (
        kept_memory(),
        one_line_memory_errors(device),
        open_workers(plan.n_jobs, device, plan.batch_size) as workers,
    ):
        training = _Training(halves, pixels, labels, held_out, plan, workers, checkpoints)
        trained = training.run(groups)
    trunk.to("cpu")
    return trained


class _Heads(nn.Module):
    """One linear layer for all targets, of standardized embeddings."""

    mean: torch.Tensor
    scale: torch.Tensor

    def __init__(self, width: int, n_classes: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("scale", torch.ones(width))
        self.weight = nn.Parameter(torch.zeros(width, n_classes))
        self.bias = nn.Parameter(torch.zeros(n_classes))

    def forward(self, embeddings: torch.Tensor) -> torch.Tensor:
        return (embeddings - self.mean) / self.scale @ self.weight + self.bias

    def fold(self, n_classes: Sequence[int]) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return the coefficients and intercepts of each target, for embeddings that are not standardized."""
        arrays = [each.detach().cpu().double().numpy() for each in (self.mean, self.scale, self.weight, self.bias)]
        mean, scale, weight, bias = arrays
        coef = weight / scale[:, None]
        ends = np.cumsum(n_classes)[:-1]
        return list(zip(np.split(coef, ends, axis=1), np.split(bias - mean @ coef, ends)))


class _Training:
    """The state of one training; `run` runs it."""

    def __init__(
        self,
        halves: Halves,
        pixels: np.ndarray,
        labels: Labels,
        held_out: np.ndarray,
        plan: TrainingPlan,
        workers: Workers,
        checkpoints: Checkpoints | None,
    ) -> None:
        self.halves, self.labels, self.plan, self.workers = halves, labels, plan, workers
        self.checkpoints = checkpoints
        self.pixels = pixels
        self.rows, self.held_out = np.flatnonzero(~held_out), np.flatnonzero(held_out)
        self.batches = split_evenly(self.rows, plan.batch_size)
        self.augmentation = make_augmentation(plan.augment)
        self.inputs: FreshInputs | KeptInputs = FreshInputs(halves, pixels, self.augmentation)
        width = halves.run_trained(self.inputs.take(np.arange(1)), halves.trunk).shape[1]
        self.heads = _Heads(width, sum(labels.n_classes)).to(halves.device)
        self.weights = [*halves.weights.values(), *self.heads.parameters()]
        self.scaler = torch.amp.GradScaler(halves.device.type, enabled=halves.mixed == torch.float16)
        self.history: list[dict[str, Any]] = []
        self.best: dict[str, Any] = {}

    def run(self, groups: np.ndarray | None) -> Trained:
        """Train, from the last checkpoint if there is one, and return what was learned."""
        plan = self.plan
        state = None if self.checkpoints is None else self.checkpoints.load()
        if state is None or not state["is_finished"]:
            statistics = self._prepare()
            optimizer = self._make_optimizer()
            if state is None:
                self._begin(groups)
                self._save(optimizer)
            else:
                self._resume(state, optimizer)
            n_done = len(self.history) - 1
            with phase("fine-tuning", plan.max_epochs, "epochs", n_done=n_done, verbose=plan.verbose) as shown:
                while not is_over(self.history, plan):
                    self._train_epoch(optimizer, statistics, shown)
                    self._save(optimizer)
            self._load_weights(self.best)
            _, accuracies = self._measure(self.rows)
            train_accuracy = float(np.mean(accuracies))
            if self.checkpoints is not None:
                self.checkpoints.save(
                    {"is_finished": True, "history": json.dumps(self.history), "best": self.best,
                     "train_accuracy": train_accuracy}
                )
        else:
            self.history, train_accuracy = json.loads(state["history"]), state["train_accuracy"]
            self._load_weights(state["best"])
        heads = self.heads.fold(self.labels.n_classes)
        return Trained(heads, self.history, len(self.history) - 1, find_best(self.history), train_accuracy)

    def _prepare(self) -> FixedStatistics | LearnedStatistics:
        """Check that the training can work, and compute what it can reuse in each epoch."""
        halves, plan, workers = self.halves, self.plan, self.workers
        n_shards = max(-(-len(batch) // workers.shard) for batch in self.batches)
        smallest = min(len(batch) for batch in self.batches)
        learns_statistics = not plan.pretrained and not halves.is_frozen
        if learns_statistics and smallest < 2:
            raise InputError(
                f"batch_size: expected a size that leaves no batch of 1 image of {len(self.rows)}, got "
                f"{plan.batch_size}; raise it, because batch norm needs 2 images"
            )
        if not halves.is_frozen:
            one = self.inputs.take(np.arange(1))
            at_a_time = min(n_shards, workers.n_threads) * workers.shard
            check_memory(lambda: halves.run_trained(one, halves.trunk), self.weights, at_a_time, halves.device)
        self.inputs = make_inputs(halves, self.pixels, self.augmentation, workers, verbose=plan.verbose)
        return LearnedStatistics(halves.trunk, n_shards) if learns_statistics else FixedStatistics(halves.trunk)

    def _make_optimizer(self) -> torch.optim.Optimizer:
        """Return AdamW with groups by learning rate and by weight decay."""
        share = self.plan.backbone_rate if self.plan.pretrained else 1.0
        groups = [
            {"params": [each for each in weights if (each.ndim > 1) == decays], "share": share_of_rate,
             "weight_decay": self.plan.weight_decay if decays else 0.0}
            for weights, share_of_rate in (
                (list(self.halves.weights.values()), share), (list(self.heads.parameters()), 1.0)
            )
            for decays in (True, False)
        ]
        return torch.optim.AdamW([group for group in groups if group["params"]], lr=self.plan.learning_rate)

    def _begin(self, groups: np.ndarray | None) -> None:
        """Fit the linear probe if the trunk is pretrained, and write epoch 0 of the history."""
        began = time.monotonic()
        embeddings = np.empty((len(self.pixels), len(self.heads.weight)), np.float32)

        def embed(_: int, rows: np.ndarray) -> None:
            with torch.no_grad():
                found = self.halves.run_trained(self.inputs.take(rows), self.halves.trunk)
            embeddings[rows] = found.cpu().numpy()

        with phase("linear probe", len(self.pixels), "images", verbose=self.plan.verbose) as shown:
            for part in split_evenly(np.arange(len(self.pixels)), _AT_A_TIME):
                self.workers.run(embed, part)
                shown.update(len(part))
        if not np.isfinite(embeddings).all():
            raise InputError(
                "the network's embeddings of the images are not finite before the training; use another backbone, or "
                "precision='float32'"
            )
        rows, labels = self.rows, self.labels
        weights = labels.weights.numpy()[rows]
        probe = fit_probe(
            embeddings[rows], labels.codes.numpy()[rows], labels.n_classes, weights,
            None if groups is None else groups[rows],
        )
        if self.plan.pretrained:
            with torch.no_grad():
                own = (self.heads.mean, self.heads.scale, self.heads.weight, self.heads.bias)
                for tensor, value in zip(own, probe):
                    tensor.copy_(torch.from_numpy(value))
        scores = self.heads(torch.from_numpy(embeddings).to(self.halves.device)).detach().cpu()
        epoch: dict[str, Any] = {"epoch": 0}
        for kind, rows in (("train", self.rows), ("valid", self.held_out)):
            if len(rows):
                epoch.update(_figures(kind, *labels.summarize(rows, *labels.measure(scores[rows], rows))))
        self.history = [{**epoch, "learning_rate": 0.0, "seconds": time.monotonic() - began}]
        self.best = self._weights()

    def _train_epoch(
        self, optimizer: torch.optim.Optimizer, statistics: FixedStatistics | LearnedStatistics, shown: Phase
    ) -> None:
        """Train one epoch, write it in the history, and keep its weights if they are the best."""
        began, epoch = time.monotonic(), len(self.history)
        # Everything at random depends on the seed and the epoch alone, so a checkpoint has no random state.
        state = np.random.SeedSequence([self.plan.seed, epoch]).generate_state(1, np.uint64)[0]
        generator = torch.Generator().manual_seed(int(state >> np.uint64(1)))
        order = self.rows[torch.randperm(len(self.rows), generator=generator).numpy()]
        drawn = self.augmentation.draw(len(order), generator)
        rate = self.plan.learning_rate * rate_of_epoch(self.history, self.plan.max_epochs)
        losses, right = torch.zeros(len(self.labels.n_classes)), torch.zeros(len(self.labels.n_classes))
        places = split_evenly(np.arange(len(order)), self.plan.batch_size)
        for number, at in enumerate(places):
            warm = warm_up((epoch - 1) * len(places) + number)
            for group in optimizer.param_groups:
                group["lr"] = rate * warm * group["share"]
            own_losses, own_right = self._step(order[at], drawn[at], optimizer, statistics)
            if not torch.isfinite(own_losses).all():
                kind = "NaN" if own_losses.isnan().any() else "infinite"
                raise InputError(
                    f"the loss became {kind} in epoch {epoch} at learning rate {rate:.3g}; lower learning_rate, e.g. "
                    f"to {rate / 10:.3g}"
                )
            losses, right = losses + own_losses, right + own_right
        figures = _figures("train", *self.labels.summarize(order, losses, right))
        speed = len(order) / (time.monotonic() - began)
        if len(self.held_out):
            figures.update(_figures("valid", *self._measure(self.held_out)))
        seconds = time.monotonic() - began
        self.history.append({"epoch": epoch, **figures, "learning_rate": rate, "seconds": seconds})
        if not math.isfinite(figures.get("valid_loss", 0.0)):
            raise InputError(
                f"the loss on held-out images became {figures['valid_loss']} in epoch {epoch} at learning rate "
                f"{rate:.3g}; lower learning_rate, e.g. to {rate / 10:.3g}"
            )
        if find_best(self.history) == epoch:
            self.best = self._weights()
        names = ("train_loss", "train_accuracy", "valid_loss", "valid_accuracy")
        scores = [f"{name} {figures[name]:.3f}" for name in names if name in figures]
        shown.update(note=", ".join([*scores, f"{speed:.0f} images/s"]))

    def _step(
        self,
        rows: np.ndarray,
        drawn: torch.Tensor,
        optimizer: torch.optim.Optimizer,
        statistics: FixedStatistics | LearnedStatistics,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Change the weights by the mean loss of a batch; return what `Labels.measure` returns for it, on the CPU."""
        share = (1 / self.labels.total_weights(rows)).to(self.halves.device)

        def differentiate(number: int, at: np.ndarray) -> tuple[Any, ...]:
            inputs = self.inputs.take(rows[at], drawn[at])
            embeddings = self.halves.run_trained(inputs, statistics.trunk_of(number))
            losses, right = self.labels.measure(self.heads(embeddings), rows[at])
            # Not `backward`, which would add up the gradients in the order in which the threads come.
            loss = self.scaler.scale((losses * share).sum())
            return torch.autograd.grad(loss, self.weights, allow_unused=True), losses.detach(), right

        found = self.workers.run(differentiate, np.arange(len(rows)))
        gradients, losses, right = zip(*found)
        statistics.merge(len(found))
        for weight, *parts in zip(self.weights, *gradients):
            known = [part for part in parts if part is not None]  # None: the embedding does not depend on the weight
            weight.grad = sum(known[1:], start=known[0]) if known else None
        self.scaler.step(optimizer)
        self.scaler.update()
        return sum(losses).cpu(), sum(right).cpu()

    def _measure(self, rows: np.ndarray) -> tuple[float, list[float]]:
        """Return the loss and the accuracies of images as they are."""

        def measure(_: int, own: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
            with torch.no_grad():
                embeddings = self.halves.run_trained(self.inputs.take(own), self.halves.trunk)
                return self.labels.measure(self.heads(embeddings), own)

        losses, right = zip(*self.workers.run(measure, rows))
        return self.labels.summarize(rows, sum(losses), sum(right))

    def _weights(self) -> dict[str, Any]:
        """Return a copy of all that the training changes, on the CPU."""
        names = {*self.halves.weights, *(name for name, _ in self.halves.trunk.named_buffers())}
        trunk = {name: value for name, value in self.halves.trunk.state_dict().items() if name in names}
        parts = {"trunk": trunk, "heads": self.heads.state_dict()}
        return {part: {name: _copy(value) for name, value in values.items()} for part, values in parts.items()}

    def _load_weights(self, weights: dict[str, Any]) -> None:
        self.halves.trunk.load_state_dict(weights["trunk"], strict=False)
        self.heads.load_state_dict(weights["heads"])

    def _save(self, optimizer: torch.optim.Optimizer) -> None:
        if self.checkpoints is not None:
            self.checkpoints.save(
                {"is_finished": False, "history": json.dumps(self.history), "weights": self._weights(),
                 "best": self.best, "optimizer": optimizer.state_dict(), "scaler": self.scaler.state_dict()}
            )

    def _resume(self, state: dict[str, Any], optimizer: torch.optim.Optimizer) -> None:
        self.history, self.best = json.loads(state["history"]), state["best"]
        self._load_weights(state["weights"])
        optimizer.load_state_dict(state["optimizer"])
        self.scaler.load_state_dict(state["scaler"])


def _copy(value: torch.Tensor) -> torch.Tensor:
    return value.detach().cpu().clone()


def _figures(kind: str, loss: float, accuracies: list[float]) -> dict[str, Any]:
    """Return the figures of an epoch by name; with several targets also the accuracy of each."""
    figures: dict[str, Any] = {f"{kind}_loss": loss, f"{kind}_accuracy": float(np.mean(accuracies))}
    if len(accuracies) > 1:
        figures[f"{kind}_accuracies"] = accuracies
    return figures


def _pick_type(precision: str, device: torch.device) -> torch.dtype | None:
    """Return the type of 16 bits for a precision; None for float32.

    bfloat16 has the range of float32, so its gradients need no scaling. Older GPUs have only float16.
    """
    if precision == "float32" or (precision == "auto" and device.type != "cuda"):
        return None
    return torch.float16 if device.type == "cuda" and not torch.cuda.is_bf16_supported() else torch.bfloat16
