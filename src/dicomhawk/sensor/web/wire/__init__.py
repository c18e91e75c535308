"""HTTP/1 as the persona's product speaks it: bytes to requests, responses to bytes, and the sockets between."""
