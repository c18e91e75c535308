"""TLS on doors: what the client says in its ClientHello, a certificate of the deployment, and the layer between."""
