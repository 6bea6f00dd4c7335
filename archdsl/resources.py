"""The folders of the grammar and the shipped specs: inside the wheel, or beside the package in a checkout."""

from pathlib import Path

_PACKAGE = Path(__file__).parent


def resource_folder(name: str) -> Path:
    """Return the folder `grammars` or `specs`."""
    inside = _PACKAGE / name
    return inside if inside.is_dir() else _PACKAGE.parent / name


def shipped_files() -> list[Path]:
    """Return the specs that come with archdsl."""
    return sorted(resource_folder("specs").glob("*.arch"))
