"""What is measured: speech encoders behind one interface, each with the objective of its own paper."""
