"""Who plans the series of each kind of examination."""

from __future__ import annotations

from dicomhawk.hospital.objects.makers import model_of
from dicomhawk.hospital.objects.xray_makers import XRayModel
from dicomhawk.hospital.rows import Device
from dicomhawk.hospital.world.abdomen_protocols import abdomen_ct
from dicomhawk.hospital.world.electrocardiography import electrocardiograms
from dicomhawk.hospital.world.head_protocols import head_ct
from dicomhawk.hospital.world.kinds import Kind
from dicomhawk.hospital.world.planned import Planner
from dicomhawk.hospital.world.protocols import ct, mr
from dicomhawk.hospital.world.radiography import radiographs
from dicomhawk.hospital.world.sonography import sonograms

PLANNERS: dict[Kind, Planner] = {
    "ct_native": ct,
    "ct_contrast": ct,
    "ct_follow": ct,
    "ct_head": head_ct,
    "ct_abdomen": abdomen_ct,
    "mr_plain": mr,
    "mr_acute": mr,
    "xr_chest": radiographs,
    "xr_bedside": radiographs,
    "us_abdomen": sonograms,
    "ecg": electrocardiograms,
}
"""A kind that nobody plans is not made."""
SPIRALS: dict[Kind, int] = {"ct_abdomen": 3}
"""Irradiations of a kind of examination at most, where it may have several."""


def suits(kind: Kind, device: Device) -> bool:
    """Whether the device is the one for such examinations if there are several: on the wards it is a trolley."""
    model = model_of(device.manufacturer, device.model)
    return not isinstance(model, XRayModel) or model.mobile == (kind == "xr_bedside")
