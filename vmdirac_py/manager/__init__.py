"""The service VMs and people talk to."""
