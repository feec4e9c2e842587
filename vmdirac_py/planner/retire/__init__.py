"""Retiring: which VMs to drain and why; one small class per policy, each proved by the planner before it acts. Pure."""
