"""From the features of the frames and the sound of a video to one vector."""
