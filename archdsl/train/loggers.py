"""Lightning's loggers by the words of a recipe."""

from __future__ import annotations

from pathlib import Path

from lightning.pytorch.loggers import Logger

from archdsl.extras import extra_needed
from archdsl.recipe.recording import LoggerName


def logger_of(name: LoggerName, folder: Path) -> Logger:
    """Return a logger that writes into the run's folder; raise `Fault` E0608 if its package is not installed."""
    if name == "tensorboard":
        with extra_needed("tensorboard", "`log = [tensorboard]`"):
            import tensorboard  # type: ignore[import-untyped]  # noqa: F401  # here: an optional dependency
            from lightning.pytorch.loggers import TensorBoardLogger

        return TensorBoardLogger(save_dir=folder, name="tensorboard", version="")
    with extra_needed("wandb", "`log = [wandb]`"):
        import wandb  # type: ignore[import-not-found]  # noqa: F401  # here: an optional dependency
        from lightning.pytorch.loggers import WandbLogger

    return WandbLogger(project="archdsl", name=folder.name, save_dir=folder, resume="allow")
