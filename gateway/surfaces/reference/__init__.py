"""The reference of the contracts as static pages, in the look of the console."""

from gateway.surfaces.reference.pages import GENERATOR, STYLE, reference_files

__all__ = ["GENERATOR", "STYLE", "reference_files"]
