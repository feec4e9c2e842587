"""Where demand comes from; `vmdirac_py.queues.api` is what every source promises."""
