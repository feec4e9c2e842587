"""The daemon: wait for an event or the next deadline, snapshot, step, write, run the playbooks."""
