"""Alerts leave the machine: a webhook, an e-mail server, a command. What is told, and when, is domain/alarms' to say."""
