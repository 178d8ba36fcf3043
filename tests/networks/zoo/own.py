"""Networks that transformers does not have, as torchvision builds them, but tiny."""

import torch
from torch import nn


class _Own(nn.Module):
    """Give `pooler_output`, or `logits`, as the networks of transformers do."""

    def __init__(self, logits: bool, width: int) -> None:
        super().__init__()
        self.classifier = nn.Linear(width, 10) if logits else None

    def forward(self, pixel_values):
        pooled = self.pool(pixel_values)
        return {"pooler_output": pooled} if self.classifier is None else {
            "logits": self.classifier(pooled), "pooler_output": pooled
        }


class Gate(nn.Module):
    """Squeeze and excitation (Hu et al. 2018, doi:10.1109/CVPR.2018.00745), with the functions of MobileNetV3."""

    def __init__(self, width):
        super().__init__()
        self.squeeze, self.excite = nn.Conv2d(width, 4, 1), nn.Conv2d(4, width, 1)

    def forward(self, x):
        gate = nn.functional.adaptive_avg_pool2d(x, 1)
        return x * nn.functional.hardsigmoid(self.excite(nn.functional.relu(self.squeeze(gate))))


class Inverted(nn.Module):
    """An inverted residual block with a gate."""

    def __init__(self, width, out, stride):
        super().__init__()
        self.residual = width == out and stride == 1
        self.body = nn.Sequential(
            nn.Conv2d(width, 2 * width, 1, bias=False), nn.BatchNorm2d(2 * width), nn.Hardswish(),
            nn.Conv2d(2 * width, 2 * width, 3, stride, 1, groups=2 * width, bias=False), nn.BatchNorm2d(2 * width),
            nn.Hardswish(), Gate(2 * width), nn.Conv2d(2 * width, out, 1, bias=False), nn.BatchNorm2d(out),
        )

    def forward(self, x):
        return x + self.body(x) if self.residual else self.body(x)


class MobileNetV3(_Own):
    """MobileNetV3 (Howard et al. 2019, doi:10.1109/ICCV.2019.00140)."""

    def __init__(self, logits):
        super().__init__(logits, 40)
        if logits:
            self.classifier = nn.Sequential(nn.Linear(40, 48), nn.Hardswish(), nn.Linear(48, 10))
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.Hardswish())
        widths = [8, 12, 16, 20, 24]
        self.stages = nn.ModuleList(
            nn.Sequential(Inverted(a, b, 2), Inverted(b, b, 1)) for a, b in zip(widths, widths[1:])
        )
        self.last = nn.Sequential(nn.Conv2d(24, 40, 1, bias=False), nn.BatchNorm2d(40), nn.Hardswish())

    def pool(self, x):
        x = self.stem(x)
        for stage in self.stages:
            x = stage(x)
        return nn.functional.adaptive_avg_pool2d(self.last(x), 1).flatten(1)


class Dense(nn.Module):
    """A layer whose output is concatenated to its input."""

    def __init__(self, width, growth=6):
        super().__init__()
        self.body = nn.Sequential(
            nn.BatchNorm2d(width), nn.ReLU(), nn.Conv2d(width, 2 * growth, 1, bias=False),
            nn.BatchNorm2d(2 * growth), nn.ReLU(), nn.Conv2d(2 * growth, growth, 3, 1, 1, bias=False),
        )

    def forward(self, x):
        return torch.cat([x, self.body(x)], 1)


class DenseNet(_Own):
    """DenseNet (Huang et al. 2017, doi:10.1109/CVPR.2017.243)."""

    def __init__(self, logits):
        super().__init__(logits, 25)
        layers = [nn.Conv2d(3, 16, 7, 2, 3, bias=False), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
        width = 16
        for block in range(3):
            layers += [Dense(width), Dense(width + 6)]
            width += 12
            if block < 2:
                layers += [nn.BatchNorm2d(width), nn.ReLU(), nn.Conv2d(width, width // 2, 1, bias=False),
                           nn.AvgPool2d(2)]
                width //= 2
        self.features = nn.Sequential(*layers, nn.BatchNorm2d(width))

    def pool(self, x):
        return nn.functional.adaptive_avg_pool2d(nn.functional.relu(self.features(x)), 1).flatten(1)


class VGG(_Own):
    """VGG (Simonyan and Zisserman 2015, arXiv:1409.1556): its map is flattened, no pool over positions."""

    def __init__(self, logits):
        super().__init__(logits, 24)
        layers, width = [], 3
        for out in (8, 12, 16):
            layers += [nn.Conv2d(width, out, 3, 1, 1), nn.ReLU(), nn.Conv2d(out, out, 3, 1, 1), nn.ReLU(),
                       nn.MaxPool2d(2)]
            width = out
        self.features = nn.Sequential(*layers)
        self.hidden = nn.Sequential(nn.Linear(16 * 4 * 6, 28), nn.ReLU(), nn.Dropout(), nn.Linear(28, 24), nn.ReLU(),
                                    nn.Dropout())

    def pool(self, x):
        x = nn.functional.adaptive_avg_pool2d(self.features(x), (4, 6))
        return self.hidden(x.flatten(1))
