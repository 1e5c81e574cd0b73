"""Speech data: folders, speakers, transcripts, and clips for training."""
