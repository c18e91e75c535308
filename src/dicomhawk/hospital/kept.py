"""What the archive keeps, by SOP Instance UID: the hospital's objects, and a visitor's own."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from dicomhawk.hospital.catalogue import Catalogue
from dicomhawk.hospital.deletions import after, covers
from dicomhawk.hospital.uploads import Uploads

_KEPT: Final = (
    "SELECT i.sop_uid, i.sop_class_uid FROM json_each(?1) CROSS JOIN instance i ON i.sop_uid = value "
    "WHERE i.visible_from <= ?2"
)
_IDS: Final = (
    "SELECT p.patient_id, t.study_uid, e.series_uid, i.sop_uid FROM json_each(?1) "
    "CROSS JOIN instance i ON i.sop_uid = value CROSS JOIN series e ON e.series_key = i.series_key "
    "CROSS JOIN study t ON t.study_key = e.study_key CROSS JOIN patient p ON p.patient_key = t.patient_key"
)


def classes_of(
    sop_uids: Sequence[str], catalogue: Catalogue, uploads: Uploads, *, visitor: str, now: float
) -> dict[str, str]:
    """The SOP class of each of these objects that `visitor` could retrieve at `now` (POSIX time).

    Takes some 10 microseconds for each. Raises `sqlite3.Error`.
    """
    wanted = json.dumps(sop_uids)
    found: dict[str, str] = dict(catalogue.connection.execute(_KEPT, (wanted, now)))
    gone = {each.ids for each in after(uploads.connection, visitor, 0)}
    for ids in catalogue.connection.execute(_IDS, (wanted,)) if gone else ():
        if covers(gone, ids):
            found.pop(ids[3], None)
    found.update(uploads.connection.execute(f"{_KEPT} AND i.visitor = ?3", (wanted, now, visitor)))
    return found
