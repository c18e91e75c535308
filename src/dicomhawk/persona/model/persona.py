"""One product: all parts of its behaviour together, and what the floors below need of them."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace
from typing import Literal

from pydantic import Field

from ...settings import Deployment, Remote
from ...upperlayer.dialect import Dialect
from ...upperlayer.policy import Policy
from .capacity import Capacity
from .commands import Commands, Responses
from .dicomweb import DicomWeb
from .http import Http
from .identity import Identity
from .negotiation import AnswerModel, Contexts, Reject, Request, titles
from .normalized import Normalized
from .provenance import Provenance
from .query import Find
from .retrieve import Get, Move
from .storage import Store
from .timing import Timing
from .tls import Tls
from .wire import Wire


class Persona(Provenance):
    """One product."""

    name: str = Field(min_length=1, max_length=64)
    title: str = Field(max_length=200, description="What it is, in a line.")
    kind: Literal["neutral", "measured", "built"] = "neutral"
    identity: Identity = Identity()
    contexts: Contexts = Contexts()
    request: Request = Request()
    reject: Reject = Reject()
    answer: AnswerModel = AnswerModel()
    wire: Wire = Wire()
    capacity: Capacity = Capacity()
    commands: Commands = Commands()
    responses: Responses = Responses()
    find: Find = Find()
    get: Get = Get()
    move: Move = Move()
    store: Store = Store()
    normalized: Normalized = Normalized()
    dicomweb: DicomWeb = DicomWeb()
    timing: Timing = Timing()
    http: Http = Http()
    tls: Tls = Tls()

    def policy(self, deployment: Deployment, remotes: Iterable[Remote] = ()) -> Policy:
        """How associations are negotiated for a deployment that knows `remotes`. Raises `SettingsError`."""
        own, answer, request = self.identity, self.answer, self.request
        known = (remote.ae_title for remote in remotes)
        return Policy(
            abstract_syntaxes=self.contexts.policies(),
            implementation_class_uid=self.implementation_class_uid(deployment),
            implementation_version_name=self.implementation_version_name(deployment),
            maximum_length=self.wire.max_pdu,
            checks=self.reject.policy(),
            called_ae_titles=titles(own.called_ae_titles, [deployment.ae_title], fold_case=own.ignore_case),
            calling_ae_titles=titles(own.calling_ae_titles, known, fold_case=own.ignore_case),
            fold_case=own.ignore_case,
            refused_identities=frozenset(self.reject.identities),
            max_contexts=self.contexts.maximum or None,
            max_transfer_syntaxes=self.contexts.max_transfer_syntaxes or None,
            title_padding=request.title_padding,
            uid_padding=request.uid_padding,
            repeats=request.repeats,
            role_repeats=request.role_repeats,
            duplicates=self.contexts.duplicates,
            role_flags=request.role_flags,
            role_answers=answer.roles,
            titles=answer.titles,
            echo_reserved=answer.echo_reserved,
            refused_transfer_syntax=answer.refused_syntax(),
            user_items=answer.user_items,
            maximum_length_substitution=answer.substitution(),
            asynchronous_window=answer.asynchronous_window,
            asynchronous_limits=answer.asynchronous_limits,
            user_identity_response=None if answer.user_identity is None else answer.user_identity.encode(),
            answered_identities=frozenset(answer.user_identity_types),
            others=self.contexts.others(),
        )

    def dialect(self) -> Dialect:
        """What is understood, and what is done about the rest."""
        return replace(self.wire.dialect(), grammar=self.request.grammar())

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
