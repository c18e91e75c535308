"""The world behind the archive: people, devices, calendar and protocols, all drawn from the deployment's seed."""
