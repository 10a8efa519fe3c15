"""Files that come with the program: in the installed package, else in the checkout."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path


def project_file(name: str, *, folder: str = "") -> Path:
    """Return the path of a file or folder that the package has under `resources/`, and the checkout in `folder`."""
    package = Path(str(files("konkurs_pipeline")))
    packaged = package / "resources" / name
    return packaged if packaged.exists() else package.parent / folder / name
