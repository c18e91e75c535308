"""One product: all parts of its behaviour together, and what the floors below need of them."""

from __future__ import annotations

import random
from typing import Literal

from pydantic import Field

from ...settings import Deployment
from ...upperlayer.negotiation import AbstractSyntaxPolicy, Policy
from .. import sopclasses
from .commands import Commands, Responses
from .identity import Identity
from .negotiation import Contexts
from .normalized import Normalized
from .provenance import Provenance
from .query import Find
from .retrieve import Get, Move
from .storage import Store
from .timing import Timing
from .wire import Wire


class Persona(Provenance):
    """One product."""

    name: str = Field(min_length=1, max_length=64)
    title: str = Field(max_length=200, description="What it is, in a line.")
    kind: Literal["neutral", "measured", "built"] = "neutral"
    identity: Identity = Identity()
    contexts: Contexts = Contexts()
    wire: Wire = Wire()
    commands: Commands = Commands()
    responses: Responses = Responses()
    find: Find = Find()
    get: Get = Get()
    move: Move = Move()
    store: Store = Store()
    normalized: Normalized = Normalized()
    timing: Timing = Timing()

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
            implementation_version_name=self.implementation_version_name(deployment),
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

    def implementation_version_name(self, deployment: Deployment) -> str:
        """The product's, one of its versions', or a made-up one."""
        own = self.identity
        if own.implementation_version_names:
            source = random.Random(f"implementation version/{self.name}/{deployment.seed}")
            return source.choice(own.implementation_version_names)
        return own.implementation_version_name or _version_name(deployment)


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
