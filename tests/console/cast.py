"""Who comes to the sensor of the tests, with what, and what they do there."""

from __future__ import annotations

from dataclasses import dataclass

ORIGINS = (
    # category, operator, share, /16, country, asn, network, tags
    ("Censys", "censys", 24, "162.142", "US", 398324, "CENSYS-ARIN-01", ["scanner"]),
    ("Shodan", "shodan", 12, "71.6", "US", 10439, "CARINET", ["scanner"]),
    ("Internet Measurement", "internet-measurement", 9, "87.236", "GB", 211298, "DRIFTNET", ["scanner"]),
    ("Onyphe", "onyphe", 5, "91.196", "FR", 213412, "ONYPHE SAS", ["scanner"]),
    ("Cloud", "digitalocean", 15, "164.92", "DE", 14061, "DIGITALOCEAN-ASN", ["hosting"]),
    ("Internet Census", "bitsight", 6, "192.155", "US", 63949, "Akamai Connected Cloud", ["scanner"]),
    ("China ISPs", "", 8, "116.62", "CN", 37963, "Hangzhou Alibaba Advertising Co.,Ltd.", []),
    ("Palo Alto", "cortex-xpanse", 6, "205.210", "US", 396982, "GOOGLE-CLOUD-PLATFORM", ["scanner"]),
    ("Other", "", 12, "185.220", "NL", 208294, "Example Hosting B.V.", ["vpn"]),
    ("Other", "", 3, "93.184", "BR", 28573, "Claro NXT Telecomunicacoes Ltda", []),
)
TOOLS = {
    "scan": ("zgrab2", "nmap dicom-ping", "masscan", "Shodan crawler", ""),
    "person": ("DCMTK findscu", "pynetdicom 2.1", "curl 8.5", "Firefox 128", "dcm4che", "Horos"),
}
TITLES = (
    "ANY-SCP",
    "ORTHANC",
    "DCM4CHEE",
    "PACS",
    "AE_TITLE",
    "STORESCP",
    "CONQUESTSRV1",
    "MAMMO",
    "ARCHIVE",
    "RADPACS",
)
PAIRS = (
    ("orthanc", "orthanc"),
    ("admin", "admin"),
    ("admin", "admin123"),
    ("root", "toor"),
    ("pacs", "pacs"),
    ("service", "service"),
    ("radiologie", "Sommer2026!"),
    ("demo", "demo"),
    ("user", "1234"),
)
RULES = {
    "D01": ("Version of the service asked for", 1, ["T1046"]),
    "D05": ("AE titles tried one by one", 2, ["T1046", "T1110"]),
    "D08": ("All studies asked for with a wildcard", 3, ["T1213"]),
    "D11": ("Patients walked through by name", 3, ["T1213"]),
    "D14": ("Studies taken away in bulk", 3, ["T1005", "T1041"]),
    "D17": ("A program left in the preamble of an object", 4, ["T1027", "T1105"]),
    "D22": ("Default credentials tried", 2, ["T1078.001"]),
    "D28": ("Paths of other products looked for", 1, ["T1595.003"]),
    "D33": ("Credentials taken from bait", 4, ["T1552.001"]),
}
FILES = (
    ("DICOM with a PE program in its preamble", 4, "A CT image that Windows would run as a program.", "polyglot.pe"),
    ("DICOM", 0, "A plain CT image.", "structure.group2"),
    ("DICOM with a PDF", 2, "An encapsulated PDF with a script in it.", "text.xss"),
    ("ZIP", 2, "An archive that unpacks to 40 GiB.", "bomb.ratio"),
    ("PHP script", 4, "A web shell.", "yara.webshell"),
)


@dataclass
class Kind:
    """What a session is like."""

    share: int
    rank: int
    severity: int
    steps: tuple[str, ...]
    repeats: tuple[int, int]
    rules: tuple[str, ...]
    verdict: str
    person: bool = False


KINDS = (
    Kind(20, 0, 0, (), (1, 1), (), "{who} connected and said nothing."),
    Kind(38, 1, 0, ("associate", "echo", "release"), (1, 2), ("D01",), "{who} with {tool} sent a C-ECHO."),
    Kind(20, 1, 1, ("http", "http"), (1, 4), ("D28",), "{who} asked for {n} pages."),
    Kind(9, 2, 2, ("reject",), (3, 40), ("D05",), "{who} tried {n} AE titles, none of which was taken."),
    Kind(5, 2, 2, ("http", "login"), (2, 30), ("D22",), "{who} failed {n} times to sign in."),
    Kind(
        4, 3, 2, ("associate", "find", "release"), (1, 8), ("D08",), "{who} with {tool} asked for all studies.", True
    ),
    Kind(
        2,
        4,
        3,
        ("associate", "find", "find", "release"),
        (5, 40),
        ("D08", "D11"),
        "{who} with {tool} walked through the patients by name, {n} queries, over an afternoon.",
        True,
    ),
    Kind(
        1,
        5,
        3,
        ("associate", "find", "get", "release"),
        (1, 6),
        ("D08", "D14"),
        "{who} with {tool} took {n} objects away.",
        True,
    ),
    Kind(
        1,
        6,
        4,
        ("associate", "store", "release", "lure"),
        (1, 3),
        ("D17", "D33"),
        "{who} left an image with a program in its preamble, and used credentials taken from bait.",
        True,
    ),
)
