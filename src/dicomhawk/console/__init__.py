"""The operator's web pages: what came, who it was, what it was after. They read, and change nothing of it."""
