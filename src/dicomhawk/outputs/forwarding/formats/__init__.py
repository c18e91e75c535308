"""What is sent, as text: pure functions of documents."""
