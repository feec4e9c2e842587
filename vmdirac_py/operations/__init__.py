"""Every verb once: plan, launch, retire, submit, match, drain ... CLI, routes and modules are thin callers."""
