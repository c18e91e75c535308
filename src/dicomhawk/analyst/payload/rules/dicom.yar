// Patterns of known weaknesses of DICOM software. A pattern is no proof of intent; libraries' own bugs make some of them.

rule dicom_meta_unknown_vr {
  meta:
    description = "unknown VR in group 0002"
    reference = "CVE-2026-3650"
    severity = 3
  strings:
    $first = /DICM\x02\x00[\x00-\xff]\x00([G-HJ-KM-NQ-RV-Z][A-Z]|X[A-Z]|[^A-Z])/
    $later = /\x02\x00[\x02\x03\x10\x12\x13\x16\x17\x18]\x00(XX|ZZ|QQ|YY|\?\?)/
  condition:
    uint32(128) == 0x4D434944 and ($first in (128..140) or $later in (132..1024))
}

rule dicom_rows_as_ul {
  meta:
    description = "Rows or Columns with VR UL"
    reference = "CVE-2026-5442 CVE-2026-5443"
    severity = 3
  strings:
    $rows = { 28 00 10 00 55 4C 04 00 }
    $columns = { 28 00 11 00 55 4C 04 00 }
  condition:
    uint32(128) == 0x4D434944 and any of them
}

rule dicom_pmsct_rle1 {
  meta:
    description = "private compression PMSCT_RLE1"
    reference = "CVE-2026-5441"
    severity = 3
  strings:
    $value = "PMSCT_RLE1"
    $element = { A1 07 11 10 }
  condition:
    uint32(128) == 0x4D434944 and $value and $element
}

rule dicom_palette_without_table {
  meta:
    description = "PALETTE COLOR without a palette"
    reference = "CVE-2026-5445"
    severity = 2
  strings:
    $photometric = "PALETTE COLOR"
    $table = { 28 00 01 12 }
    $segmented = { 28 00 21 12 }
    $uid = { 28 00 99 11 }
  condition:
    uint32(128) == 0x4D434944 and $photometric and not ($table or $segmented or $uid)
}

rule dicom_uid_traversal {
  meta:
    description = "path in a UID"
    reference = "CVE-2022-2119 CVE-2022-2120 CVE-2025-2263 CVE-2026-50003"
    severity = 4
  strings:
    $sop = /\x08\x00\x18\x00(UI[\x00-\xff]{2}|[\x00-\xff]{2}\x00\x00)[^\x00]{0,60}(\.\.[\/\\]|[\/\\]\.\.|[A-Za-z]:[\/\\]|\/(etc|var|tmp|usr|home|root|opt)\/)/
    $study = /\x20\x00[\x0d\x0e]\x00(UI[\x00-\xff]{2}|[\x00-\xff]{2}\x00\x00)[^\x00]{0,60}(\.\.[\/\\]|[\/\\]\.\.|[A-Za-z]:[\/\\]|\/(etc|var|tmp|usr|home|root|opt)\/)/
    $meta = /\x02\x00[\x02\x03]\x00UI[\x00-\xff]{2}[^\x00]{0,60}(\.\.[\/\\]|[\/\\]\.\.|[A-Za-z]:[\/\\]|\/(etc|var|tmp|usr|home|root|opt)\/)/
  condition:
    any of them
}

rule dicomdir_traversal {
  meta:
    description = "DICOMDIR that names files outside of its folder"
    reference = "CVE-2026-32711"
    severity = 3
  strings:
    $file = /\x04\x00\x00\x15(CS[\x00-\xff]{2}|[\x00-\xff]{2}\x00\x00)(\.\.|[\/]|[A-Za-z]:)/
  condition:
    $file
}

rule dicom_markup {
  meta:
    description = "markup in the attributes of an object"
    reference = "CVE-2023-7238 CVE-2025-54759 CVE-2025-54862"
    severity = 3
  strings:
    $script = /(PN|LO|LT|ST|SH|UT|UC)[\x00-\xff]{2,6}[^\x00]{0,200}<(script|img|svg|iframe|body|object|embed)[\s\/>]/ nocase
    $handler = /(PN|LO|LT|ST|SH|UT|UC)[\x00-\xff]{2,6}[^\x00]{0,200}\bon(error|load|click|focus|mouseover)\s*=/
  condition:
    uint32(128) == 0x4D434944 and any of them
}

rule dicom_corpus_nmap {
  meta:
    description = "UID of a scanner's corpus"
    severity = 2
  strings:
    $uid = /1\.2\.3\.4\.5\.99999\.\d{9,11}\.\d{6}/
  condition:
    $uid
}
