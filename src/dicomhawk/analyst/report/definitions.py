"""What the numbers are: in the report itself, so that nobody has to guess."""

from __future__ import annotations

DEFINITIONS = [
    ("Period", "Sessions that began in it, moments in UTC. A day that is given as the last one is in it as a whole."),
    (
        "Session",
        "All connections of one address to one sensor, on every port, with no gap of more than 30 minutes.",
    ),
    ("Total seen", "TCP connections, that is, events connection.open of the sessions, on all ports."),
    (
        "Unique addresses",
        "Different source addresses. An address that came to two sensors counts once for each, and once for all "
        "sensors together; therefore a row of all can be less than the sum of its columns.",
    ),
    ("Events", "Lines of the journal that belong to the sessions."),
    (
        "Category, operator",
        "Whose address it is: by published ranges, reverse DNS, user agent or fingerprint. What nobody is known to "
        "be behind is Other.",
    ),
    (
        "Interaction, scan",
        "A session is an interaction if it asked the catalogue for something, or went further, or used bait; else it "
        "is a scan.",
    ),
    (
        "Depth",
        "The furthest that a session went, in the order touch, scan, enumeration, query, collection, exfiltration, "
        "tampering, impact.",
    ),
    (
        "Severity",
        "info, low, medium, high or critical: the worst technique of a session, or the worst found in a file.",
    ),
    ("Technique", "A rule that the events of a session meet. Times: the events in which it was seen."),
    (
        "Associations",
        "Requests for a DICOM association (PS3.8); a rejected one is one that was answered with A-ASSOCIATE-RJ, or "
        "not at all.",
    ),
    ("Answers to queries", "Matches that were sent, by C-FIND and over the web."),
    (
        "Objects fetched",
        "Instances that were sent as they are, by C-GET and over the web. What a C-MOVE was told is not among them: "
        "nothing is ever sent to another host.",
    ),
    (
        "Files left",
        "Objects that visitors sent, by C-STORE and over the web, whatever they were answered. Captured files "
        "are told apart by their SHA-256.",
    ),
    (
        "Logins tried",
        "User names and passwords that were given, over the web or with a DICOM association. Let in: accepted.",
    ),
    ("Bait taken", "Lures that were taken or used, opened elsewhere, or brought back by another visitor."),
    ("Actor", "Sessions that have more in common than chance explains. It is a conclusion, not a fact."),
    ("Dash", "None was seen."),
]
"""Terms, and what they mean here."""
