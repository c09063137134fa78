"""Trackers of one object: its template in the first frame is sought in a region of each later frame."""
