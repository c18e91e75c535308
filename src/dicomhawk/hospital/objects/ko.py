"""Key Object Selection documents (PS3.3 A.35.4) by TID 2010 (PS3.16): the images that a reader has marked."""

from __future__ import annotations

from dicomhawk.hospital.objects import sr
from dicomhawk.hospital.objects.attributes import Attributes
from dicomhawk.hospital.objects.common import Context
from dicomhawk.hospital.objects.document_recipe import KeyObjects
from dicomhawk.hospital.objects.report import language, observer, shown

KEY_OBJECT_SELECTION = "1.2.840.10008.5.1.4.1.1.88.59"


def build(context: Context, keys: KeyObjects, equipment: sr.Equipment) -> Attributes:
    """The data set; every finding that is in one of the series is marked in the best slice of the first."""
    writer = sr.Writer(context.charset)
    made = sr.start(context, equipment)
    instance = context.instance
    made.set(ContentDate=instance.content_date, ContentTime=instance.content_time)
    made.items("ReferencedPerformedProcedureStepSequence")
    made.items("ReferencedRequestSequence", sr.requested(context))
    found = [place for finding in keys.findings if (place := shown(keys.references, finding)) is not None]
    if not found and keys.references:
        first = keys.references[0]
        found = [(first, first.count // 2)]
    images = dict.fromkeys((r.series_uid, r.sop_class, r.uid(k)) for r, k in found)
    made.items("CurrentRequestedProcedureEvidenceSequence", sr.evidence(context, list(images)))
    children = [language(writer, keys.locale, with_country=False), *observer(writer, context)]
    children += [writer.image(sr.CONTAINS, sop_class, uid) for _, sop_class, uid in images]
    sr.adopt(made, writer.container(None, ("113000", "DCM", "Of Interest"), children, "2010"))
    return made
