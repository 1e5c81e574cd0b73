"""Speech: folders of it, who speaks, what is said, and clips for training."""
