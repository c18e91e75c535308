"""Hypothesis strategies for valid PDUs.

`plain` ones keep to what PS3.5 allows in UIDs and AE titles and to reserved bytes of zero, as somebody else's
encoder does; the others fill every field with anything that fits it.
"""

from __future__ import annotations

from hypothesis import strategies as st

from dicomhawk.upperlayer import items as it
from dicomhawk.upperlayer import pdu

u8, u16, u32 = st.integers(0, 0xFF), st.integers(0, 0xFFFF), st.integers(0, 0xFFFFFFFF)
latin = st.text(st.characters(max_codepoint=255), max_size=20)
blob = st.binary(max_size=20)


def exactly(size: int) -> st.SearchStrategy[bytes]:
    return st.binary(min_size=size, max_size=size)


def unknown(*known: int) -> st.SearchStrategy[it.UnknownItem]:
    return st.builds(it.UnknownItem, u8.filter(lambda kind: kind not in known), blob, u8)


context_items = st.lists(
    st.one_of(
        st.builds(it.AbstractSyntax, latin, u8),
        st.builds(it.TransferSyntax, latin, u8),
        unknown(0x30, 0x40),
    ),
    max_size=4,
).map(tuple)
user_items = st.one_of(
    st.builds(it.MaximumLength, u32, u8),
    st.builds(it.ImplementationClassUID, latin, u8),
    st.builds(it.AsynchronousOperationsWindow, u16, u16, u8),
    st.builds(it.RoleSelection, latin, u8, u8, u8),
    st.builds(it.ImplementationVersionName, latin, u8),
    st.builds(it.ExtendedNegotiation, latin, blob, u8),
    st.builds(it.CommonExtendedNegotiation, latin, latin, st.lists(latin, max_size=3).map(tuple), blob, u8),
    st.builds(it.UserIdentityRequest, u8, u8, blob, blob, u8),
    st.builds(it.UserIdentityResponse, blob, u8),
    unknown(*range(0x51, 0x5A)),
)
items = st.one_of(
    st.builds(it.ApplicationContext, latin, u8),
    st.builds(it.ProposedContext, u8, context_items, u8, exactly(3)),
    st.builds(it.AnsweredContext, u8, u8, context_items, u8, exactly(2)),
    st.builds(it.UserInformation, st.lists(user_items, max_size=5).map(tuple), u8),
    unknown(0x10, 0x20, 0x21, 0x50),
)
_all_items = st.lists(items, max_size=6).map(tuple)
_fixed = (exactly(16), exactly(16), _all_items, u16, u8, u16, exactly(32))
pdvs = st.builds(pdu.PDV, u8, u8, blob)
pdus = st.one_of(
    st.builds(pdu.AssociateRQ, *_fixed),
    st.builds(pdu.AssociateAC, *_fixed),
    st.builds(pdu.AssociateRJ, u8, u8, u8, u8, u8),
    st.builds(pdu.PDataTF, st.lists(pdvs, min_size=1, max_size=4).map(tuple), u8),
    st.builds(pdu.ReleaseRQ, u8, exactly(4)),
    st.builds(pdu.ReleaseRP, u8, exactly(4)),
    st.builds(pdu.Abort, u8, u8, u8, exactly(2)),
)

# As somebody else's encoder has them

uids = st.lists(st.integers(1, 9999), min_size=2, max_size=8).map(lambda parts: ".".join(map(str, parts)))
names = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789", min_size=1, max_size=16)
titles = names.map(pdu.ae_title)
filled = st.binary(min_size=1, max_size=20)
context_ids = st.integers(0, 127).map(lambda number: 2 * number + 1)
syntaxes = st.lists(st.builds(it.TransferSyntax, uids), min_size=1, max_size=4)
plain_user_items = st.one_of(
    st.builds(it.AsynchronousOperationsWindow, u16, u16),
    st.builds(it.RoleSelection, uids, st.integers(0, 1), st.integers(0, 1)),
    st.builds(it.ExtendedNegotiation, uids, filled),
)
plain_request_items = st.one_of(
    plain_user_items,
    st.builds(it.CommonExtendedNegotiation, uids, uids, st.lists(uids, max_size=3).map(tuple)),
    st.builds(it.UserIdentityRequest, st.just(2), st.integers(0, 1), filled, filled),
    st.builds(it.UserIdentityRequest, st.sampled_from((1, 3, 4)), st.integers(0, 1), filled),
)
plain_answer_items = st.one_of(plain_user_items, st.builds(it.UserIdentityResponse, filled))
_plain_head = st.tuples(
    st.builds(it.MaximumLength, u32),
    st.builds(it.ImplementationClassUID, uids),
    st.builds(it.ImplementationVersionName, names),
)


def _information(more: st.SearchStrategy[it.UserItem]) -> st.SearchStrategy[it.UserInformation]:
    return st.builds(lambda head, rest: it.UserInformation((*head, *rest)), _plain_head, st.lists(more, max_size=5))


plain_contexts = st.lists(
    st.builds(
        lambda number, abstract, offered: it.ProposedContext(number, (abstract, *offered)),
        context_ids, st.builds(it.AbstractSyntax, uids), syntaxes,
    ),
    min_size=1, max_size=5,
)  # fmt: skip
plain_answers = st.lists(
    st.builds(
        lambda number, result, syntax: it.AnsweredContext(number, result, (syntax,)),
        context_ids, st.integers(0, 4), st.builds(it.TransferSyntax, uids),
    ),
    min_size=1, max_size=5,
)  # fmt: skip
plain_requests = st.builds(
    lambda called, calling, name, contexts, user: pdu.AssociateRQ(
        called, calling, (it.ApplicationContext(name), *contexts, user)
    ),
    titles, titles, uids, plain_contexts, _information(plain_request_items),
)  # fmt: skip
plain_acceptances = st.builds(
    lambda called, calling, name, answers, user: pdu.AssociateAC(
        called, calling, (it.ApplicationContext(name), *answers, user)
    ),
    titles, titles, uids, plain_answers, _information(plain_answer_items),
)  # fmt: skip
plain_data = st.lists(st.builds(pdu.PDV, context_ids, st.integers(0, 3), blob), min_size=1, max_size=4).map(
    lambda values: pdu.PDataTF(tuple(values))
)
