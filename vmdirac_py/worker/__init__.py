"""What runs on the VM: monitor, pilot, inner CEs. Standard library only, Python 3.9+, shipped as one zipapp.

This room knows no other room of the package; the manager and the replay may import `wire` and `policy`.
"""
