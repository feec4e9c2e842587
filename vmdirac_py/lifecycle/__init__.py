"""How a VM lives: states and edges as data, deadlines, observations, leaks and the launch budget. Pure."""
