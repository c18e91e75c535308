#!/usr/bin/env python3
"""Makes docs/terminal.svg: a terminal talking to a fresh DICOMHawk, with what the programs really print.

Needs DCMTK, and takes its programs rather than those of the same names that pynetdicom brings. The deployment is
drawn anew, as for anybody.
"""

from __future__ import annotations

import io
import os
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).resolve().parent.parent
PORT = "11112"
COMMANDS = (
    f"echoscu -v localhost {PORT}",
    f'findscu -S -k QueryRetrieveLevel=STUDY -k PatientName="S*" -k StudyDate -k StudyDescription localhost {PORT}',
    f"movescu -S -aem NOWHERE -k QueryRetrieveLevel=STUDY -k StudyInstanceUID=1.2.3 localhost {PORT}",
    "dicomhawk sessions",
    "dicomhawk session {session}",
)
SHOWN_LINES = 14


def main() -> None:
    """Run the commands against a sensor of our own, and draw what they print."""
    console = Console(record=True, width=118, file=io.StringIO())
    environment = {**os.environ, "PATH": f"/usr/bin:{Path(sys.executable).parent}:{os.environ['PATH']}"}
    with tempfile.TemporaryDirectory() as folder:
        environment["DICOMHAWK_DATA"] = folder
        init = ["dicomhawk", "init", "--data", folder, "--locale", "da_DK"]
        subprocess.run(init, check=True, env=environment, stdout=subprocess.DEVNULL)
        ready = Path(folder) / "ready"
        serve = [
            "dicomhawk",
            "sensor",
            "--data",
            folder,
            "--dicom-port",
            PORT,
            "--no-web",
            "--no-tls",
            "--ready-file",
            str(ready),
        ]
        sensor = subprocess.Popen(serve, env=environment, stdout=subprocess.DEVNULL)
        try:
            while not ready.exists():
                time.sleep(0.1)
            session = ""
            for command in COMMANDS:
                line = command.format(session=session)
                done = subprocess.run(
                    shlex.split(line),
                    env=environment,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    encoding="latin-1",
                )
                lines = [text.replace("\t", "  ") for text in done.stdout.splitlines()]
                if command == "dicomhawk sessions":
                    session = lines[-1].split()[0]
                console.print(Text.assemble(("$ ", "bold green"), (line, "bold")))
                for text in lines[:SHOWN_LINES]:
                    console.print(Text(text), overflow="ellipsis", no_wrap=True)
                if len(lines) > SHOWN_LINES:
                    console.print(Text(f"... {len(lines) - SHOWN_LINES} more lines", style="dim"))
                time.sleep(0.6)
        finally:
            sensor.terminate()
            sensor.wait(10)
    console.save_svg(str(ROOT / "docs" / "terminal.svg"), title="DICOMHawk")


if __name__ == "__main__":
    main()
