"""Sends alerts to a webhook, an e-mail server or a command. Which alerts are due: domain/monitoring/alarms."""
