"""Programs that ask a cloud for instances with its library and nothing else, to compare with."""
