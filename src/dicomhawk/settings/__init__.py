"""One settings model: TOML file < environment < flags.

`load` reads ``DIR/dicomhawk.toml`` (or another file), lets ``DICOMHAWK_...`` variables and then flags win, and
raises `SettingsError` with one clear sentence for anything wrong.
"""

from __future__ import annotations

from .base import Port as Port
from .base import SettingsError as SettingsError
from .model import ENVIRONMENT_PREFIX as ENVIRONMENT_PREFIX
from .model import FILE_NAME as FILE_NAME
from .model import Settings as Settings
from .model import data_folder as data_folder
from .model import load as load
from .sections import AETitle as AETitle
from .sections import CanaryKind as CanaryKind
from .sections import Deployment as Deployment
from .sections import HoneyCredential as HoneyCredential
from .sections import Lures as Lures
from .sections import Remote as Remote
from .sections import Vault as Vault
from .sections import Web as Web
from .sections import WebLogin as WebLogin
