"""Reads the catalogue that the settings name, for every command that needs one, with one error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voc_stream.catalogue.load import CatalogueError, load_catalogue

if TYPE_CHECKING:
    from voc_stream.catalogue.model import Catalogue
    from voc_stream.settings import Settings


def read_catalogue(settings: Settings) -> Catalogue:
    """The catalogue of `VOC_CATALOGUE`.

    Raises CatalogueError, which names the setting and the line.
    """
    try:
        return load_catalogue(settings.catalogue)
    except CatalogueError as error:
        raise CatalogueError(f"VOC_CATALOGUE: {error}") from error
