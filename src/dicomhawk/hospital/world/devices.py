"""The hospital's machines: scanners, workstations and the archive, each coherent in itself."""

from __future__ import annotations

import random

from dicomhawk.hospital.objects.ecg_makers import ECG_MODELS
from dicomhawk.hospital.objects.makers import CT_MODELS, MR_MODELS, US_MODELS, XRAY_MODELS, CTModel, MRModel
from dicomhawk.hospital.objects.model import Model
from dicomhawk.hospital.objects.xray_makers import XRayModel
from dicomhawk.hospital.rows import Device
from dicomhawk.hospital.world.draw import digits, draw
from dicomhawk.hospital.world.locale import locale
from dicomhawk.settings import Deployment

SHORTEST_TAIL = 12  # characters of a UID that must be left after a device's root
MAX_UID = 64  # PS3.5 9.1

_PREFIXES = ("", "", "RAD", "RTG", "X", "BD", "IMG")
_SEPARATORS = ("", "", "_", "-")
_WORKSTATIONS = ("WS", "RADWS", "WORK", "VIEW", "DIAG", "REPORT", "MIM", "VIA", "RADI")
_SUPPLIERS = (("siemens",), ("ge",), ("siemens", "ge"), ("siemens", "ge"))
"""Makers that a hospital buys from: many have a contract with one."""
_PORTS = (104, 104, 104, 11112, 4006, 2104, 5678)


class Namer:
    """AE titles in the hospital's own style, each once."""

    def __init__(self, source: random.Random, taken: str) -> None:
        self._prefix, self._separator = source.choice(_PREFIXES), source.choice(_SEPARATORS)
        self._width = source.choice((1, 1, 2))
        self._counts: dict[str, int] = {}
        self._taken = {taken}

    def __call__(self, kind: str) -> str:
        while True:
            number = self._counts.get(kind, 0) + 1
            self._counts[kind] = number
            parts = [part for part in (self._prefix, f"{kind}{number:0{self._width}d}") if part]
            title = self._separator.join(parts)[:16]
            if title not in self._taken:
                self._taken.add(title)
                return title


class Network:
    """Addresses in one of the hospital's private networks."""

    def __init__(self, source: random.Random) -> None:
        self._source = source
        self._net = source.choice(
            (
                f"10.{source.randrange(1, 250)}.{source.randrange(0, 250)}",
                f"192.168.{source.randrange(2, 250)}",
                f"172.{source.randrange(16, 32)}.{source.randrange(0, 250)}",
            )
        )
        self._hosts = source.sample(range(10, 250), 40)

    def host(self) -> str:
        """An address that was not given out before."""
        return f"{self._net}.{self._hosts.pop()}"


def devices(deployment: Deployment, department: str, first_key: int) -> list[Device]:
    """All devices of the deployment: modalities, workstations, the archive; keys from `first_key` on."""
    source = draw(deployment.seed, "devices")
    namer, network = Namer(source, deployment.ae_title), Network(source)
    # Hospitals buy in series: the second scanner is often the first one's sibling, seldom from everywhere.
    makers = source.choice(_SUPPLIERS)
    scanners: list[Model] = []
    for models, counts in ((CT_MODELS, (2, 2, 3)), (MR_MODELS, (1, 2, 2))):
        offered = [model for model in models if model.maker in makers]
        scanners += source.choices(offered, k=source.choice(counts))
    scanners += _others(source)
    made: list[Device] = []
    for number, model in enumerate(scanners):
        made.append(
            _scanner(deployment, model, _modality(model), namer, network, source, department, first_key + number)
        )
    carts = draw(deployment.seed, "carts")
    cart = carts.choice(ECG_MODELS)
    elsewhere = carts.choice(locale(deployment.locale).places["cardiology"])
    for _ in range(carts.choice((2, 3, 4))):
        made.append(_scanner(deployment, cart, "ECG", namer, network, carts, elsewhere, first_key + len(made)))
    workstation = source.choice(_WORKSTATIONS)
    for _ in range(source.choice((2, 3, 3))):
        made.append(
            Device(
                device_key=first_key + len(made),
                role="workstation",
                ae_title=namer(workstation),
                host=network.host(),
                port=source.choice(_PORTS),
                department=department,
            )
        )
    archive = Device(
        device_key=first_key + len(made),
        role="archive",
        ae_title=deployment.ae_title,
        host=network.host(),
        port=104,
        department=department,
    )
    return [*made, archive]


def _others(source: random.Random) -> list[Model]:
    """Rooms and a trolley for radiographs, and ultrasound machines, which are mostly of one model."""
    rooms = [model for model in XRAY_MODELS if not model.mobile]
    bought: list[Model] = [source.choice(rooms)] * source.choice((1, 2))
    if source.random() < 0.3:
        bought.append(source.choice(rooms))
    bought += [model for model in XRAY_MODELS if model.mobile and source.random() < 0.6]
    bought += [source.choice(US_MODELS)] * source.choice((1, 2, 2))
    return bought


def _modality(model: Model) -> str:
    if isinstance(model, XRayModel):
        return model.kind
    return "CT" if isinstance(model, CTModel) else "MR" if isinstance(model, MRModel) else "US"


def _scanner(
    deployment: Deployment,
    model: Model,
    modality: str,
    namer: Namer,
    network: Network,
    source: random.Random,
    department: str,
    key: int,
) -> Device:
    title = namer(modality)
    serial = digits(model.serial, source)
    numbers = "".join(c for c in serial if c.isdigit()).lstrip("0")
    number = "".join(c for c in title if c.isdigit()).lstrip("0") or "1"
    pattern = source.choice(model.station)
    station = "".join(
        numbers[pattern[:i].count("#") % len(numbers)] if c == "#" else number if c == "%" else c
        for i, c in enumerate(pattern)
    )
    return Device(
        device_key=key,
        role="modality",
        ae_title=title,
        host=network.host(),
        port=source.choice((104, 104, 4006, 11112)),
        modality=modality,
        manufacturer=model.manufacturer,
        model=model.model,
        serial=serial,
        software=source.choice(model.software),
        station_name=station[:16],
        department=department,
        uid_root=_uid_root(deployment.uid_root, model.arc, numbers, key),
    )


def _uid_root(root: str, arc: str, serial: str, key: int) -> str:
    """In the maker's style below the deployment's root, or shorter where that leaves no room for a tail."""
    styled = (f"{root}.{arc}.{serial}", f"{root}.{serial}")
    roomy = (made for made in styled if len(made) + 1 + SHORTEST_TAIL <= MAX_UID)
    return next(roomy, f"{root}.{key}")
