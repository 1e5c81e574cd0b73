"""Figures that other tools recorded, as runs: with the method that each earned, and never as ours."""
