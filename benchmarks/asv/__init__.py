"""Suite for airspeed velocity: time, peak memory and quality, over commits."""
