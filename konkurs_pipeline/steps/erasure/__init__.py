"""Erase personal data whose time has ended, also from the kept answers."""
