"""Konkursvarsel for banks: poll the register of bankruptcies, match customers, hand over what to do."""
