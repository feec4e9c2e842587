"""An Ansible inventory into pools and policy; every complaint speaks of file and key."""
