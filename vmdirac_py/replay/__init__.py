"""History run through the production planner in virtual time, against a scripted cloud."""
