"""The page of phpinfo(): tables of settings, as PHP 5 and 7 print them, with what the environment gives away."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape

from ..hospital.world.draw import draw

_STYLE = """body {background-color: #fff; color: #222; font-family: sans-serif;}
pre {margin: 0; font-family: monospace;}
a:link {color: #009; text-decoration: none; background-color: #fff;}
a:hover {text-decoration: underline;}
table {border-collapse: collapse; border: 0; width: 934px; box-shadow: 1px 2px 3px #ccc;}
.center {text-align: center;}
.center table {margin: 1em auto; text-align: left;}
.center th {text-align: center !important;}
td, th {border: 1px solid #666; font-size: 75%; vertical-align: baseline; padding: 4px 5px;}
h1 {font-size: 150%;}
h2 {font-size: 125%;}
.p {text-align: left;}
.e {background-color: #ccf; width: 300px; font-weight: bold;}
.h {background-color: #99c; font-weight: bold;}
.v {background-color: #ddd; max-width: 300px; overflow-x: auto; word-wrap: break-word;}
.v i {color: #999;}
img {float: right; border: 0;}
hr {width: 934px; background-color: #ccc; border: 0; height: 1px;}"""
_VERSIONS = (
    ("7.0.33-0+deb9u12", "4.9.0-19-amd64", "Debian 4.9.320-2 (2022-06-30)", "20151012"),
    ("7.3.31-1~deb10u7", "4.19.0-26-amd64", "Debian 4.19.304-1 (2024-01-09)", "20180731"),
    ("7.2.24-0ubuntu0.18.04.17", "4.15.0-213-generic", "#224-Ubuntu SMP Mon Jun 19 13:30:12 UTC 2023", "20170718"),
    ("7.4.3-4ubuntu2.18", "5.4.0-150-generic", "#167-Ubuntu SMP Mon May 15 17:35:05 UTC 2023", "20190902"),
    ("7.4.33", "5.10.0-28-amd64", "Debian 5.10.209-2 (2024-01-31)", "20190902"),
)
_CORE = (
    ("allow_url_fopen", "On"),
    ("allow_url_include", "Off"),
    ("auto_append_file", ""),
    ("auto_prepend_file", ""),
    ("default_charset", "UTF-8"),
    ("disable_functions", ""),
    ("display_errors", "Off"),
    ("error_log", ""),
    ("expose_php", "On"),
    ("file_uploads", "On"),
    ("include_path", ".:/usr/share/php"),
    ("log_errors", "On"),
    ("max_execution_time", "300"),
    ("max_input_vars", "1000"),
    ("memory_limit", "512M"),
    ("open_basedir", ""),
    ("post_max_size", "512M"),
    ("sendmail_path", "/usr/sbin/sendmail -t -i"),
    ("short_open_tag", "Off"),
    ("upload_max_filesize", "512M"),
    ("upload_tmp_dir", ""),
    ("variables_order", "EGPCS"),
)


def phpinfo(values: Mapping[str, str], seed: str, server: str, address: str) -> bytes:
    """The page. `values` as templates have them; `server` is the Server field, `address` the visitor's."""
    source = draw(seed, "lures", "phpinfo")
    version, kernel, build, api = source.choice(_VERSIONS)
    is_nginx = "nginx" in server.lower()
    short = ".".join(version.split(".")[:2])
    kind = "fpm" if is_nginx else "apache2"
    name = values["portal"].partition(".")[0]
    root = source.choice(("/var/www/html", "/var/www/portal", f"/srv/www/{values['schema']}"))
    parts = [
        _table(
            [
                ("System", f"Linux {name} {kernel} {build} x86_64"),
                ("Server API", "FPM/FastCGI" if is_nginx else "Apache 2.0 Handler"),
                ("Virtual Directory Support", "disabled"),
                ("Configuration File (php.ini) Path", f"/etc/php/{short}/{kind}"),
                ("Loaded Configuration File", f"/etc/php/{short}/{kind}/php.ini"),
                ("Scan this dir for additional .ini files", f"/etc/php/{short}/{kind}/conf.d"),
                ("PHP API", api),
                ("PHP Extension", api),
                ("Debug Build", "no"),
                ("Thread Safety", "disabled"),
                ("IPv6 Support", "enabled"),
                ("Registered PHP Streams", "https, ftps, compress.zlib, php, file, glob, data, http, ftp, phar"),
            ]
        ),
        "<hr />\n<h1>Configuration</h1>\n",
        _section("Core", [("PHP Version", version)]),
        _directives(_CORE),
        _section("curl", [("cURL support", "enabled"), ("SSL", "Yes"), ("ZLib", "Yes")]),
        _section("ldap", [("LDAP Support", "enabled"), ("Total Links", "0/unlimited"), ("API Version", "3001")]),
        _section(
            "PDO", [("PDO support", "enabled"), ("PDO drivers", "pgsql" if values["driver"] == "pgsql" else "mysql")]
        ),
        _section("session", [("Session Support", "enabled"), ("Registered save handlers", "files user")]),
        "<h2>Environment</h2>\n",
        _variables(
            [
                ("APP_ENV", "production"),
                ("DB_HOST", values["database"]),
                ("DB_DATABASE", values["schema"]),
                ("DB_USERNAME", values["environment_user"]),
                ("DB_PASSWORD", values["environment_password"]),
                ("PACS_AET", values["ae_title"]),
                ("PACS_HOST", values["archive"]),
                ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
                ("LANG", "C"),
                ("PWD", root),
            ]
        ),
        "<h2>PHP Variables</h2>\n",
        _variables(
            [
                ("$_SERVER['SERVER_SOFTWARE']", server),
                ("$_SERVER['SERVER_NAME']", values["portal"]),
                ("$_SERVER['SERVER_ADDR']", values["portal_address"]),
                ("$_SERVER['REMOTE_ADDR']", address),
                ("$_SERVER['DOCUMENT_ROOT']", root),
                ("$_SERVER['GATEWAY_INTERFACE']", "CGI/1.1"),
                ("$_SERVER['REQUEST_METHOD']", "GET"),
            ]
        ),
    ]
    head = (
        '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" "DTD/xhtml1-transitional.dtd">\n'
        '<html xmlns="http://www.w3.org/1999/xhtml"><head>\n'
        f'<style type="text/css">\n{_STYLE}\n</style>\n<title>phpinfo()</title>'
        '<meta name="ROBOTS" content="NOINDEX,NOFOLLOW,NOARCHIVE" /></head>\n<body><div class="center">\n'
        f'<table>\n<tr class="h"><td>\n<h1 class="p">PHP Version {escape(version)}</h1>\n</td></tr>\n</table>\n'
    )
    return (head + "".join(parts) + "</div></body></html>").encode()


def _table(rows: Iterable[tuple[str, str]]) -> str:
    made = "".join(
        f'<tr><td class="e">{escape(key)} </td><td class="v">{escape(value)} </td></tr>\n' for key, value in rows
    )
    return f"<table>\n{made}</table>\n"


def _section(name: str, rows: Iterable[tuple[str, str]]) -> str:
    return f'<h2><a name="module_{name.lower()}">{name}</a></h2>\n{_table(rows)}'


def _directives(rows: Iterable[tuple[str, str]]) -> str:
    made = "".join(
        f'<tr><td class="e">{key}</td><td class="v">{escape(value) or "<i>no value</i>"}</td>'
        f'<td class="v">{escape(value) or "<i>no value</i>"}</td></tr>\n'
        for key, value in rows
    )
    heading = '<tr class="h"><th>Directive</th><th>Local Value</th><th>Master Value</th></tr>\n'
    return f"<table>\n{heading}{made}</table>\n"


def _variables(rows: Iterable[tuple[str, str]]) -> str:
    made = "".join(
        f'<tr><td class="e">{escape(key, quote=False)} </td><td class="v">{escape(value)} </td></tr>\n'
        for key, value in rows
    )
    return f'<table>\n<tr class="h"><th>Variable</th><th>Value</th></tr>\n{made}</table>\n'
