"""Values: what is known about queues, pools, VMs, batches and plans. Frozen, typed, no I/O."""
