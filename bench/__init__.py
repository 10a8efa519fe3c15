"""The benchmarks: `python -m bench` (`make bench`). They are not part of the product. The page is docs/performance.md."""
