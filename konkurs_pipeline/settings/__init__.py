"""The settings: `KONKURS_…` environment variables and a `.env` file, read once, typed. Nothing runs at import.

`model.py` has the settings, whose descriptions are the documentation, and the rules over several of them. `loading.py`
reads them and says what is wrong. A wrong value stops the program before it touches anything.
"""

from konkurs_pipeline.settings.loading import PREFIX, load_settings, variable
from konkurs_pipeline.settings.model import OFF, Environment, Expand, Settings
from konkurs_pipeline.settings.urls import is_loopback

__all__ = ["OFF", "PREFIX", "Environment", "Expand", "Settings", "is_loopback", "load_settings", "variable"]
