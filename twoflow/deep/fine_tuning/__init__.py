"""Fine-tune the trunk of a network, with a head for each target. Importing this package does not import torch."""

from .plan import TrainingPlan

__all__ = ["TrainingPlan"]
