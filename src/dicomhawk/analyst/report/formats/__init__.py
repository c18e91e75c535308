"""What a report is written as. What came from strangers is made harmless for each format in its own way."""
