"""The actor that acts when no person does."""

from lims.core.permissions import WORKER

__all__ = ["WORKER"]
