"""The benchmarks: `python -m bench` (`make bench`). Scripts beside the product, no part of it; docs/performance.md."""
