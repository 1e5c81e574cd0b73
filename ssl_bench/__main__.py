"""`python -m ssl_bench`: the same as `sslbench`."""

from ssl_bench.cli import main

main()
