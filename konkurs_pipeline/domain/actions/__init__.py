"""What core banking or a person is asked to do: the policy, the rows it asks for, and what became of them."""
