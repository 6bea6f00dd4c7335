"""Files that come with the package: the grammar, specs and the page of errors. In a checkout they lie beside the package."""

from pathlib import Path

_PACKAGE = Path(__file__).parent


def resource_folder(name: str) -> Path:
    """Return the folder `grammars`, `specs` or `docs`."""
    inside = _PACKAGE / name
    return inside if inside.is_dir() else _PACKAGE.parent / name


def shipped_files() -> list[Path]:
    """Return the specs that come with archdsl."""
    return sorted(resource_folder("specs").glob("*.arch"))
