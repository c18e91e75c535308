"""Captures what real tools say to each other on the loopback interface, and writes it to ``golden.py``.

    python tests/upperlayer/capture_golden.py

Needs DCMTK's tools and dcmqrscp on PATH, and pynetdicom. Run it again only to add a conversation: the point of
golden bytes is that they stay.
"""

from __future__ import annotations

import base64
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pynetdicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import AE, build_context, build_role, evt
from pynetdicom.pdu_primitives import (
    AsynchronousOperationsWindowNegotiation,
    SOPClassCommonExtendedNegotiation,
    SOPClassExtendedNegotiation,
    UserIdentityNegotiation,
)
from pynetdicom.sop_class import (
    BasicFilmSession,
    ModalityPerformedProcedureStep,
    StorageCommitmentPushModel,
    StorageCommitmentPushModelInstance,
    StudyRootQueryRetrieveInformationModelFind,
    Verification,
)

HERE = Path(__file__).parent
STUDY, SERIES, INSTANCE = (f"1.2.826.0.1.3680043.8.498.{n}" for n in (11, 22, 33))
Turn = tuple[str, bytes]  # ">" from the requestor or "<" from the acceptor, and one PDU


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Relay:
    """Passes one connection on to `target` and remembers the PDUs of both directions."""

    def __init__(self, target: int) -> None:
        self.turns: list[Turn] = []
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        with self._listener:
            client, _ = self._listener.accept()
        with client, socket.create_connection(("127.0.0.1", self._target)) as server:
            other = threading.Thread(target=self._pump, args=(server, client, "<"))
            other.start()
            self._pump(client, server, ">")
            other.join()

    def _pump(self, source: socket.socket, sink: socket.socket, direction: str) -> None:
        pending = b""
        try:
            while data := source.recv(65536):
                pending += data
                while len(pending) >= 6 and len(pending) >= (size := 6 + int.from_bytes(pending[2:6], "big")):
                    self.turns.append((direction, pending[:size]))
                    pending = pending[size:]
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def finish(self) -> list[Turn]:
        self._thread.join(20)
        return self.turns


def small_image() -> Dataset:
    image = Dataset()
    image.SOPClassUID, image.SOPInstanceUID = CTImageStorage, UID(INSTANCE)
    image.StudyInstanceUID, image.SeriesInstanceUID = UID(STUDY), UID(SERIES)
    image.PatientName, image.PatientID = "Golden^Byte", "G1"
    image.PatientBirthDate, image.PatientSex = "19700101", "O"
    image.StudyDate, image.StudyTime, image.AccessionNumber = "20200102", "030405", "A1"
    image.StudyID, image.SeriesNumber, image.InstanceNumber, image.Modality = "1", 1, 1, "CT"
    image.ReferringPhysicianName = ""
    image.Rows = image.Columns = 4
    image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
    image.BitsAllocated, image.BitsStored, image.HighBit, image.PixelRepresentation = 16, 16, 15, 0
    image.PixelData = bytes(range(32))
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.file_meta.MediaStorageSOPClassUID = image.SOPClassUID
    image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
    return image


@contextmanager
def dcmqrscp(work: Path, move_port: int) -> Iterator[int]:
    port = free_port()
    (work / "store").mkdir()
    (work / "qr.cfg").write_text(
        f"NetworkTCPPort = {port}\nMaxPDUSize = 16384\nMaxAssociations = 16\n"
        f"HostTable BEGIN\nmover = (MOVER, localhost, {move_port})\nHostTable END\n"
        "VendorTable BEGIN\nVendorTable END\n"
        f'AETable BEGIN\nGOLDEN "{work}/store" RW (200, 1024mb) ANY\nAETable END\n'
    )
    server = subprocess.Popen(["dcmqrscp", "-c", str(work / "qr.cfg")], stdout=subprocess.DEVNULL)
    try:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield port
    finally:
        server.terminate()
        server.wait()


def dcmtk(work: Path) -> Iterator[tuple[str, str, list[Turn]]]:
    """Conversations of DCMTK's clients with its dcmqrscp."""
    banner = subprocess.run(["echoscu", "--version"], capture_output=True, text=True, check=True).stdout
    version = banner.split()[2].lstrip("v")
    image = str(work / "image.dcm")
    small_image().save_as(image, enforce_file_format=True)
    inbound = free_port()
    sub = Relay(inbound)
    study = ["-k", "QueryRetrieveLevel=STUDY", "-k", f"StudyInstanceUID={STUDY}"]
    secret = ["--user", "golden", "--password", "byte", "--pos-response"]
    with dcmqrscp(work, sub.port) as port:

        def run(name: str, tool: str, *options: str) -> tuple[str, str, list[Turn]]:
            relay = Relay(port)
            head = [tool, "-aet", "MOVER", "-aec", "GOLDEN"] if "-aec" not in options else [tool, "-aet", "MOVER"]
            rest = [o for o in options if o != image]
            files = [image] if image in options else []
            subprocess.run(
                [*head, *rest, "127.0.0.1", str(relay.port), *files],
                cwd=work, check=False, capture_output=True, timeout=30,
            )  # fmt: skip
            return name, f"DCMTK {version} {tool} with dcmqrscp", relay.finish()

        yield run("echoscu", "echoscu")
        yield run("echoscu_abort", "echoscu", "--abort")
        yield run("echoscu_rejected", "echoscu", "-aec", "NOBODY")
        yield run("storescu", "storescu", image)
        yield run("storescu_identity", "storescu", *secret, image)
        yield run("findscu", "findscu", "-S", *study, "-k", "PatientName", "-k", "ModalitiesInStudy")
        yield run("findscu_worklist", "findscu", "-W", "-k", "PatientName")
        yield run("getscu", "getscu", "-S", *study, "-od", str(work))
        yield run("movescu", "movescu", "-S", "+P", str(inbound), "-aem", "MOVER", *study)
        yield "movescu_suboperation", f"DCMTK {version} dcmqrscp with movescu", sub.finish()


def association(
    server: AE,
    handlers: list[tuple[object, Callable[..., object]]],
    client: AE,
    use: Callable[..., None],
    **more: object,
) -> list[Turn]:
    running = server.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers)  # type: ignore[arg-type]
    assert running is not None
    relay = Relay(running.server_address[1])
    try:
        assoc = client.associate("127.0.0.1", relay.port, ae_title="GOLDEN", **more)  # type: ignore[arg-type]
        if assoc.is_established:
            use(assoc)
            assoc.release()
        return relay.finish()
    finally:
        running.shutdown()


def pynetdicom_negotiation() -> list[Turn]:
    """Every user information item there is, on both sides."""
    find = StudyRootQueryRetrieveInformationModelFind
    server = AE("GOLDEN")
    server.add_supported_context(Verification)
    server.add_supported_context(CTImageStorage, [ExplicitVRLittleEndian], scu_role=True, scp_role=True)
    server.add_supported_context(find)
    client = AE("CALLER")
    client.requested_contexts = [
        build_context(Verification),
        build_context(CTImageStorage, [ImplicitVRLittleEndian, ExplicitVRLittleEndian]),
        build_context(find),
        build_context("1.2.840.10008.5.1.4.1.1.66.4"),
    ]
    window = AsynchronousOperationsWindowNegotiation()
    window.maximum_number_operations_invoked = 5
    window.maximum_number_operations_performed = 1
    extended = SOPClassExtendedNegotiation()
    extended.sop_class_uid, extended.service_class_application_information = find, b"\x01\x01\x00\x01"
    common = SOPClassCommonExtendedNegotiation()
    common.sop_class_uid, common.service_class_uid = CTImageStorage, UID("1.2.840.10008.4.2")
    common.related_general_sop_class_identification = [UID("1.2.840.10008.5.1.4.1.1.7"), UID("1.2.3.45")]
    identity = UserIdentityNegotiation()
    identity.user_identity_type, identity.positive_response_requested = 2, True
    identity.primary_field, identity.secondary_field = b"golden", b"byte"
    handlers = [
        (evt.EVT_USER_ID, lambda event: (True, b"welcome")),
        (evt.EVT_ASYNC_OPS, lambda event: (3, 1)),
        (evt.EVT_SOP_EXTENDED, lambda event: {find: b"\x01\x00\x00\x01"}),
        (evt.EVT_SOP_COMMON, lambda event: event.items),
        (evt.EVT_C_ECHO, lambda event: 0x0000),
    ]
    items = [window, extended, common, identity, build_role(CTImageStorage, scu_role=True, scp_role=True)]
    return association(server, handlers, client, lambda assoc: assoc.send_c_echo(), ext_neg=items)


def pynetdicom_ticket() -> list[Turn]:
    """A user identity that gets a server response; pynetdicom has one for types 3 to 5 only."""
    server, client = AE("GOLDEN"), AE("CALLER")
    server.add_supported_context(Verification)
    client.add_requested_context(Verification)
    identity = UserIdentityNegotiation()
    identity.user_identity_type, identity.positive_response_requested = 3, True
    identity.primary_field = b"ticket"
    handlers = [(evt.EVT_USER_ID, lambda event: (True, b"welcome"))]
    return association(server, handlers, client, lambda assoc: None, ext_neg=[identity])


def pynetdicom_normalized() -> list[Turn]:
    """The six DIMSE-N services."""
    classes = [ModalityPerformedProcedureStep, StorageCommitmentPushModel, BasicFilmSession]
    server = AE("GOLDEN")
    client = AE("CALLER")
    for uid in classes:
        server.add_supported_context(uid)
        client.add_requested_context(uid)
    attributes = Dataset()
    attributes.PatientID = "G1"

    def use(assoc: pynetdicom.association.Association) -> None:
        assoc.send_n_create(attributes, ModalityPerformedProcedureStep, INSTANCE)
        assoc.send_n_set(attributes, ModalityPerformedProcedureStep, INSTANCE)
        assoc.send_n_get([(0x0010, 0x0010), (0x0010, 0x0020)], BasicFilmSession, INSTANCE)
        assoc.send_n_action(attributes, 1, StorageCommitmentPushModel, StorageCommitmentPushModelInstance)
        assoc.send_n_event_report(attributes, 2, StorageCommitmentPushModel, StorageCommitmentPushModelInstance)
        assoc.send_n_delete(BasicFilmSession, INSTANCE)

    handlers = [
        (evt.EVT_N_CREATE, lambda event: (0x0000, attributes)),
        (evt.EVT_N_SET, lambda event: (0x0000, attributes)),
        (evt.EVT_N_GET, lambda event: (0x0107, attributes)),
        (evt.EVT_N_ACTION, lambda event: (0x0000, None)),
        (evt.EVT_N_EVENT_REPORT, lambda event: (0x0000, None)),
        (evt.EVT_N_DELETE, lambda event: 0x0112),
    ]
    return association(server, handlers, client, use)


def pynetdicom_cancel() -> list[Turn]:
    """A C-FIND that is cancelled after its first answer."""
    find = StudyRootQueryRetrieveInformationModelFind
    server, client = AE("GOLDEN"), AE("CALLER")
    server.add_supported_context(find)
    client.add_requested_context(find)
    keys = Dataset()
    keys.QueryRetrieveLevel, keys.StudyInstanceUID = "STUDY", STUDY

    def handle(event: evt.Event) -> Iterator[tuple[int, Dataset | None]]:
        yield 0xFF00, keys
        for _ in range(100):
            if event.is_cancelled:
                break
            time.sleep(0.05)
        yield 0xFE00, None

    def use(assoc: pynetdicom.association.Association) -> None:
        for number, _ in enumerate(assoc.send_c_find(keys, find, msg_id=7)):
            if number == 0:
                assoc.send_c_cancel(7, query_model=find)

    return association(server, [(evt.EVT_C_FIND, handle)], client, use)


def literal(data: bytes) -> str:
    """Hexadecimal where it is short enough to be read, and packed where it isn't."""
    if len(data) <= 220:
        text, call = data.hex(), "x"
    else:
        text, call = base64.b85encode(zlib.compress(data, 9)).decode(), "z"
    pieces = [f'"{text[i : i + 104]}"' for i in range(0, len(text), 104)]
    return f"{call}({pieces[0]})" if len(pieces) == 1 else f"{call}(" + "\n         ".join(["", *pieces]) + ")"


HEAD = '''"""What real tools say to each other: the bytes of whole associations, one PDU at a time.

Written by ``capture_golden.py``, which says what was run. ">" is from the requestor, "<" from the acceptor.
"""

from __future__ import annotations

import base64
import zlib
from typing import NamedTuple

x = bytes.fromhex


def z(text: str) -> bytes:
    """Long PDUs are packed."""
    return zlib.decompress(base64.b85decode(text))


class Conversation(NamedTuple):
    """One association: the tools and their version, and the PDUs in the order in which they were sent."""

    tool: str
    turns: tuple[tuple[str, bytes], ...]


# fmt: off
GOLDEN: dict[str, Conversation] = {
'''


def main() -> None:
    work = Path(tempfile.mkdtemp())
    try:
        found = list(dcmtk(work))
        tool = f"pynetdicom {pynetdicom.__version__}"
        found.append(("pynetdicom_negotiation", tool, pynetdicom_negotiation()))
        found.append(("pynetdicom_ticket", tool, pynetdicom_ticket()))
        found.append(("pynetdicom_normalized", tool, pynetdicom_normalized()))
        found.append(("pynetdicom_cancel", tool, pynetdicom_cancel()))
    finally:
        shutil.rmtree(work)
    lines = []
    for name, tool, turns in found:
        lines.append(f'    "{name}": Conversation("{tool}", (')
        lines += [f'        ("{direction}", {literal(data)}),' for direction, data in turns]
        lines.append("    )),")
    (HERE / "golden.py").write_text(HEAD + "\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
