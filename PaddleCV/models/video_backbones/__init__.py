"""Networks of video clips: frames to one vector of features of each clip."""
