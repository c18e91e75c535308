"""The report: who came, with what, doing what, in one document, from the database of findings."""
