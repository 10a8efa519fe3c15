"""The first days with the service: doctor, contract, and the proposal of a dataset map."""
