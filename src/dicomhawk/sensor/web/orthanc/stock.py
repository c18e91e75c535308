"""The files that pages of Orthanc and of its plug-in refer to: as long as its own, and nothing else of them."""

from __future__ import annotations

from typing import Final

EXPLORER: Final = {
    "explorer.css": 1_615,
    "explorer.html": 31_203,
    "explorer.js": 46_392,
    "file-upload.js": 4_206,
    "libs/date.js": 23_993,
    "libs/images/ajax-loader.gif": 7_825,
    "libs/images/ajax-loader.png": 340,
    "libs/images/icons-18-black.png": 1_767,
    "libs/images/icons-18-white.png": 1_806,
    "libs/images/icons-36-black.png": 3_611,
    "libs/images/icons-36-white.png": 3_648,
    "libs/jqm.page.params.js": 4_253,
    "libs/jqtree-icons.png": 424,
    "libs/jqtree.css": 2_526,
    "libs/jquery-file-upload/css/jquery.fileupload-ui.css": 1_540,
    "libs/jquery-file-upload/css/style.css": 291,
    "libs/jquery-file-upload/img/loading.gif": 3_897,
    "libs/jquery-file-upload/img/progressbar.gif": 3_323,
    "libs/jquery-file-upload/js/cors/jquery.postmessage-transport.js": 4_000,
    "libs/jquery-file-upload/js/cors/jquery.xdr-transport.js": 3_179,
    "libs/jquery-file-upload/js/jquery.fileupload-fp.js": 8_405,
    "libs/jquery-file-upload/js/jquery.fileupload-ui.js": 28_536,
    "libs/jquery-file-upload/js/jquery.fileupload.js": 42_996,
    "libs/jquery-file-upload/js/jquery.iframe-transport.js": 8_089,
    "libs/jquery-file-upload/js/locale.js": 792,
    "libs/jquery-file-upload/js/vendor/jquery.ui.widget.js": 7_281,
    "libs/jquery.blockui.js": 16_114,
    "libs/jquery.min.js": 105_844,
    "libs/jquery.mobile.min.css": 60_600,
    "libs/jquery.mobile.min.js": 93_541,
    "libs/jquery.mobile.simpledialog.min.css": 996,
    "libs/jquery.mobile.simpledialog2.js": 14_278,
    "libs/slimbox2.js": 9_122,
    "libs/slimbox2/closelabel.gif": 971,
    "libs/slimbox2/loading.gif": 1_279,
    "libs/slimbox2/nextlabel.gif": 354,
    "libs/slimbox2/prevlabel.gif": 371,
    "libs/slimbox2/slimbox2-rtl.css": 1_256,
    "libs/slimbox2/slimbox2.css": 1_240,
    "libs/tree.jquery.js": 53_290,
    "orthanc-logo.png": 61_299,
    "query-retrieve.js": 11_651,
}
"""Bytes of the files of Orthanc Explorer, by their paths below ``/app/``."""
CLIENT: Final = {"app.js": 10_994, "index.html": 9_934}
"""Of those of the plug-in's page."""
LIBRARIES: Final = {
    "css/bootstrap-vue.min.css": 41_991,
    "css/bootstrap-vue.min.css.map": 93_853,
    "css/bootstrap.min.css": 164_646,
    "css/bootstrap.min.css.map": 185_460,
    "css/font-awesome.min.css": 31_000,
    "fonts/fontawesome-webfont.eot": 165_742,
    "fonts/fontawesome-webfont.svg": 444_379,
    "fonts/fontawesome-webfont.ttf": 165_548,
    "fonts/fontawesome-webfont.woff": 98_024,
    "fonts/fontawesome-webfont.woff2": 77_160,
    "img/OrthancLogo.png": 9_026,
    "js/axios.min.js": 30_208,
    "js/axios.min.map": 132_255,
    "js/bootstrap-vue.min.js": 262_175,
    "js/bootstrap-vue.min.js.map": 1_065_824,
    "js/bootstrap.min.js": 65_668,
    "js/polyfill.min.js": 104_563,
    "js/vue.min.js": 93_675,
}
"""Of the libraries that the plug-in's page uses."""
TYPES: Final = {
    "css": "text/css",
    "gif": "image/gif",
    "html": "text/html",
    "ico": "image/x-icon",
    "js": "application/javascript",
    "png": "image/png",
    "svg": "image/svg+xml",
    "woff": "application/x-font-woff",
    "woff2": "font/woff2",
}
"""Types by the ends of names; of others nothing is known."""
_TEXTS: Final = ("css", "html", "js", "map", "svg")
_BEGINNINGS: Final = {
    "gif": b"GIF89a\1\0\1\0\x80\0\0\xff\xff\xff\0\0\0!\xf9\4\1\0\0\0\0,\0\0\0\0\1\0\1\0\0\2\2D\1\0;",
    "map": b'{"version":3,"sources":[],"mappings":""}',
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg"/>',
}


def type_of(name: str) -> str:
    """The type of a file."""
    return TYPES.get(_end(name), "application/octet-stream")


def filled(name: str, size: int, content: bytes = b"") -> bytes:
    """A file of at least `size` bytes that begins with `content`, or with what its kind of file begins with."""
    end = _end(name)
    return (content or _BEGINNINGS.get(end, b"")).ljust(size, b"\n" if end in _TEXTS else b"\0")


def _end(name: str) -> str:
    return name.rpartition(".")[2]
