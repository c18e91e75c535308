"""Real series from public archives: found, filtered by their licence, downloaded, verified and imported.

This is the operator's side: it opens connections, to the archive that the operator names, while the command runs.
"""
