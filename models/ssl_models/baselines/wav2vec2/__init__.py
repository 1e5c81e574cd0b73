"""wav2vec 2.0, HuBERT and WavLM: one architecture, a convolutional front end below a transformer at 50 Hz."""
