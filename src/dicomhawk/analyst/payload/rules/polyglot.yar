// Files that are DICOM and something else (PS3.10 section 7.1 leaves the first 128 bytes to whoever writes them).

rule dicom_with_pe_preamble {
  meta:
    description = "PE program in the preamble of a DICOM file"
    reference = "CVE-2019-11687"
    severity = 4
  condition:
    uint16(0) == 0x5A4D and uint32(128) == 0x4D434944 and uint32(0x3C) < filesize and
    uint32(uint32(0x3C)) == 0x00004550
}

rule dicom_with_elf_preamble {
  meta:
    description = "ELF program in the preamble of a DICOM file"
    reference = "CVE-2019-11687"
    severity = 4
  condition:
    uint32(0) == 0x464C457F and uint32(128) == 0x4D434944
}

rule dicom_with_macho_preamble {
  meta:
    description = "Mach-O program in the preamble of a DICOM file"
    reference = "CVE-2019-11687"
    severity = 4
  condition:
    uint32(128) == 0x4D434944 and
    (uint32(0) == 0xFEEDFACE or uint32(0) == 0xFEEDFACF or uint32be(0) == 0xFEEDFACE or uint32be(0) == 0xCAFEBABE)
}

rule dicom_with_script_preamble {
  meta:
    description = "script in the preamble of a DICOM file"
    severity = 4
  strings:
    $php = "<?php" nocase
    $batch = "@echo off" nocase
    $script = "<script" nocase
  condition:
    uint32(128) == 0x4D434944 and (uint16(0) == 0x2123 or any of them in (0..127))
}

rule dicom_with_document_preamble {
  meta:
    description = "PDF or archive in the preamble of a DICOM file"
    severity = 3
  condition:
    uint32(128) == 0x4D434944 and (uint32(0) == 0x46445025 or uint32(0) == 0x04034B50 or uint32(0) == 0x21726152)
}
