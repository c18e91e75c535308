"""The persona model: how a product behaves on the wire, as validated data.

A persona is a TOML file (`library/*.toml`, or an operator's own). `load` reads one, and the model hands out
what the floors below need: `Persona.policy` for negotiation and `Persona.dialect` for the state machine.
"""

from __future__ import annotations

import random
import tomllib
from importlib import resources
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..settings import Deployment, SettingsError
from ..upperlayer.dialect import Close, Dialect, Reaction
from ..upperlayer.errors import Quirk
from ..upperlayer.negotiation import AbstractSyntaxPolicy, Policy
from . import sopclasses

Seconds = float


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Identity(_Model):
    """Who the product says it is."""

    implementation_class_uid: str | None = Field(
        default=None, max_length=64, description="None: drawn for the deployment, below its UID root."
    )
    implementation_version_name: str | None = Field(
        default=None, max_length=16, description="None: drawn for the deployment."
    )
    any_called_ae_title: bool = Field(
        default=True, description="Whether every called AE title is accepted, or the deployment's own only."
    )


class Contexts(_Model):
    """Which abstract and transfer syntaxes are accepted, and how one is picked."""

    prefer: Literal["requestor", "acceptor"] = "requestor"
    query_syntaxes: tuple[str, ...] = Field(
        default=("explicit-le", "implicit-le", "explicit-be"),
        description="Transfer syntaxes for everything that isn't storage, by name or UID.",
    )
    storage_syntaxes: tuple[str, ...] = Field(
        default=("uncompressed", "compressed"), description="Transfer syntaxes for storage, by group, name or UID."
    )
    worklist: bool = Field(default=True, description="Whether Modality Worklist FIND is accepted.")
    relational: bool = Field(default=True, description="Whether relational queries are granted on request.")
    maximum: int = Field(default=128, ge=1, le=128, description="Presentation contexts looked at.")


class ReactionModel(_Model):
    """What is sent and done when the peer is wrong."""

    abort: tuple[int, int] | None = Field(default=None, description="Source and reason of an A-ABORT.")
    close: Close = Close.WAIT
    hold: Seconds | None = Field(default=None, ge=0, description="Seconds until a waiting connection is closed.")

    def reaction(self) -> Reaction:
        """The upper layer's form of it."""
        return Reaction(self.abort, self.close, self.hold)


class Wire(_Model):
    """Lengths, times, and what malformed input gets."""

    max_pdu: int = Field(default=16384, ge=4096, le=1 << 20, description="Announced maximum length.")
    artim: Seconds = Field(default=30, gt=0, description="Waiting for an A-ASSOCIATE-RQ, and for the close.")
    partial_pdu: Seconds | None = Field(default=60, gt=0, description="Waiting for the rest of a PDU.")
    idle: Seconds | None = Field(default=300, gt=0, description="Silence on an open association.")
    after_release: Close = Close.WAIT
    after_reject: Close = Close.WAIT
    after_artim: Close = Close.FIN
    before_association: dict[Quirk | Literal["default"], ReactionModel] = Field(default_factory=dict)
    on_association: dict[Quirk | Literal["default"], ReactionModel] = Field(default_factory=dict)

    def dialect(self) -> Dialect:
        """The upper layer's form of it; what the file doesn't say is PS3.8 read literally."""
        literal = Dialect()
        before = {q: r.reaction() for q, r in self.before_association.items() if isinstance(q, Quirk)}
        on = {q: r.reaction() for q, r in self.on_association.items() if isinstance(q, Quirk)}
        before_default = self.before_association.get("default")
        on_default = self.on_association.get("default")
        return Dialect(
            artim=self.artim,
            partial_pdu=self.partial_pdu,
            idle=self.idle,
            max_pdu=self.max_pdu,
            before_association={**literal.before_association, **before},
            before_association_default=(
                before_default.reaction() if before_default else literal.before_association_default
            ),
            on_association={**literal.on_association, **on},
            on_association_default=on_default.reaction() if on_default else literal.on_association_default,
            after_release=self.after_release,
            after_reject=self.after_reject,
            after_artim=self.after_artim,
        )


class Move(_Model):
    """What a C-MOVE looks like, since it never connects anywhere."""

    megabits: float = Field(default=400, gt=0, description="Speed of the pretended transfer, Mbit/s.")
    per_object: Seconds = Field(default=0.02, ge=0, description="Pretended overhead of each object, in seconds.")
    outcome: Literal["success", "refused"] = Field(
        default="success",
        description="How a transfer to a known destination ends: every object sent, or 0xA702.",
    )


class Persona(_Model):
    """One product."""

    name: str = Field(min_length=1, max_length=64)
    title: str = Field(max_length=200, description="What it is, in a line.")
    kind: Literal["neutral", "measured", "built"] = "neutral"
    identity: Identity = Identity()
    contexts: Contexts = Contexts()
    wire: Wire = Wire()
    move: Move = Move()

    def policy(self, deployment: Deployment) -> Policy:
        """How associations are negotiated for a deployment."""
        own = self.identity
        query = AbstractSyntaxPolicy(sopclasses.transfer_syntaxes(self.contexts.query_syntaxes))
        retrieve = AbstractSyntaxPolicy(query.transfer_syntaxes, extended=b"\1" if self.contexts.relational else None)
        storage = AbstractSyntaxPolicy(sopclasses.transfer_syntaxes(self.contexts.storage_syntaxes), scp_role=True)
        accepted = {sopclasses.VERIFICATION: query}
        accepted.update(dict.fromkeys(sopclasses.QUERY_RETRIEVE, retrieve))
        if self.contexts.worklist:
            accepted[sopclasses.MODALITY_WORKLIST_FIND] = query
        accepted.update(dict.fromkeys(sopclasses.storage(), storage))
        return Policy(
            abstract_syntaxes=accepted,
            implementation_class_uid=self.implementation_class_uid(deployment),
            implementation_version_name=own.implementation_version_name or _version_name(deployment),
            maximum_length=self.wire.max_pdu,
            called_ae_titles=None if own.any_called_ae_title else frozenset({deployment.ae_title}),
            acceptor_prefers=self.contexts.prefer == "acceptor",
            max_contexts=self.contexts.maximum,
        )

    def implementation_class_uid(self, deployment: Deployment) -> str:
        """The product's, or one below the deployment's UID root."""
        if self.identity.implementation_class_uid is not None:
            return self.identity.implementation_class_uid
        source = random.Random(f"implementation class/{deployment.seed}")
        return ".".join([deployment.uid_root, *(str(source.randint(1, 99)) for _ in range(source.randint(1, 3)))])


def _version_name(deployment: Deployment) -> str:
    """A made-up product's name and version, of another shape in each deployment, so that no pattern finds all."""
    source = random.Random(f"implementation version/{deployment.seed}")
    name = "".join(source.choice(letters) for letters in ("BCDFGKLMNPRSTVX", "AEIOU", "DLMNRSTVX", "AEIO", "NRSTX"))
    name = name[: source.randint(3, 5)]
    name = source.choice((name, name.capitalize(), name.lower()))
    major, minor, patch = (source.randint(low, 9) for low in (1, 0, 0))
    versions = (
        f"{major}{minor}{patch}",
        f"{major}.{minor}",
        f"{major}.{minor}.{patch}",
        f"{major}{minor}",
        f"V{major}.{minor}",
    )
    return name + source.choice(("_", "", "-", " ")) + source.choice(versions)


def shipped() -> list[str]:
    """Names of the personas that come with the package."""
    folder = resources.files(__package__) / "library"
    return sorted(item.name.removesuffix(".toml") for item in folder.iterdir() if item.name.endswith(".toml"))


def load(name: str) -> Persona:
    """A shipped persona by its name, or a file by its path. Raises `SettingsError` with one sentence."""
    path = Path(name)
    if name in shipped():
        text = (resources.files(__package__) / "library" / f"{name}.toml").read_text(encoding="utf-8")
    elif path.suffix == ".toml" or path.exists():
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"The persona {name} can't be read: {error}.") from None
    else:
        raise SettingsError(
            f"There is no persona {name!r}; there are: {', '.join(shipped())}, or the path of a file."
        )
    try:
        return Persona.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"The persona {name} is not a TOML file: {error}.") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise SettingsError(f"The persona {name} is wrong at {where}: {first['msg']}.") from None
