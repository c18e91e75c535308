"""Which program opened bait, by the User-Agent that it sends; what it says may be false."""

from __future__ import annotations

import re

_SIGNS: tuple[tuple[str, str], ...] = (
    (
        r"microsoft office protocol discovery|microsoft-webdav-miniredir|ms-?office|microsoft office",
        "Microsoft Office",
    ),
    (r"microsoft (?:word|excel|powerpoint|outlook)", "Microsoft Office"),
    (r"libreoffice|openoffice", "LibreOffice"),
    (r"wps ?office|kingsoft", "WPS Office"),
    (r"onlyoffice", "ONLYOFFICE"),
    (r"acroforms|adobe|acrobat", "Adobe Acrobat"),
    (r"foxit", "Foxit"),
    (r"macoutlook|thunderbird|apple-?mail", "mail program"),
    (r"windowspowershell|powershell", "PowerShell"),
    (r"certutil|bitsadmin|microsoft bits", "Windows' own downloader"),
    (r"curl/", "curl"),
    (r"wget/", "Wget"),
    (r"python-requests|python-urllib|aiohttp|httpx", "Python"),
    (r"go-http-client", "Go"),
    (r"java/|okhttp|apache-httpclient", "Java"),
    (r"dcm4che|weasis|orthanc|osirix|horos|radiant|micro?dicom|ohif", "DICOM viewer"),
    (r"virustotal|urlscan|censys|shodan|zgrab|masscan|nmap|nuclei", "scanner"),
    (r"bot\b|bot/|spider|crawler|facebookexternalhit|slackbot|whatsapp|telegrambot|preview", "bot or preview"),
    (r"headlesschrome|phantomjs|puppeteer|playwright", "automated browser"),
    (r"mozilla/.*(?:edg|chrome|firefox|safari|trident|msie)", "browser"),
)
_COMPILED = tuple((re.compile(sign), name) for sign, name in _SIGNS)
MAX_AGENT = 512
"""Characters that are looked at."""


def opener(user_agent: str | None) -> str:
    """A name for the program."""
    if not user_agent:
        return "unknown"
    text = user_agent[:MAX_AGENT].lower()
    return next((name for sign, name in _COMPILED if sign.search(text)), "unknown")
