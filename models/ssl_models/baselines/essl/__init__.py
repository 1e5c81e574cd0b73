"""essL, the resource-efficient baseline: log-mel to 80 ms frames in two stages, contrasted with a teacher's view of them."""
