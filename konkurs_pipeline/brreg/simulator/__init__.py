"""A simulated Konkursvarsel: a real HTTPS server with mutual TLS, for a bank without a certificate yet.

What it serves: Brreg's published test notices, scripted scenarios (scenario.py has the format), and a seeded
generator with the register's real volumes. Every name, address and expanded dataset is invented, and the
shape of the datasets is the assumed one of docs/domain.md § 5: passing here shows that the
pipeline holds, not that Brreg's documents look like this.

What does not belong here: the client. Nothing outside tests, the demo and `konkurs simulate` imports this
package.
"""
