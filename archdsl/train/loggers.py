"""Create Lightning's loggers from the key `log` of a recipe."""

from __future__ import annotations

from hashlib import sha256
from io import BytesIO
from pathlib import Path

import numpy as np
from lightning.pytorch.loggers import Logger, TensorBoardLogger, WandbLogger
from PIL import Image

from archdsl.optional_dependencies import extra_needed
from archdsl.recipe.logging import LoggerName


def logger_of(name: LoggerName, folder: Path) -> Logger:
    """Return a logger that writes into the run folder. Raise `SpecError` E0608 if its package is not installed."""
    if name == "tensorboard":
        with extra_needed("tensorboard", "`log = [tensorboard]`"):
            import tensorboard  # type: ignore[import-untyped]  # noqa: F401  # here: an optional dependency

        return TensorBoardLogger(save_dir=folder, name="tensorboard", version="")
    with extra_needed("wandb", "`log = [wandb]`"):
        import wandb  # type: ignore[import-not-found]  # noqa: F401  # here: an optional dependency

    own = sha256(str(folder.resolve()).encode()).hexdigest()[:16]  # a resumed run continues its curves under the same id
    return WandbLogger(project="archdsl", name=folder.name, id=own, save_dir=folder, resume="allow")


def log_image(logger: Logger, name: str, picture: bytes) -> None:
    """Log a PNG."""
    image = Image.open(BytesIO(picture)).convert("RGB")
    if isinstance(logger, TensorBoardLogger):
        logger.experiment.add_image(name, np.array(image), dataformats="HWC")
    elif isinstance(logger, WandbLogger):
        logger.log_image(name, [image])
