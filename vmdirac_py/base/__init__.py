"""The ground floor: time, identifiers, errors, settings, logging, blobs and process control."""
