"""Speech encoders to be measured, behind one interface, each with the objective of its own paper."""
