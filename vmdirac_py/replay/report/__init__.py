"""What replays came to, for people: pictures, one HTML page, a table for the terminal; and as JSON for programs."""
