"""What every bed needs: folders and locks, processes found by a mark, free ports, environments, sharing."""
