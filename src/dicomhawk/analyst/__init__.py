"""What is concluded from the journal and the vault: who came, with what, doing what, and how bad it is.

Findings are in a database, and all of them can be made again from the journal and the vault.
"""
