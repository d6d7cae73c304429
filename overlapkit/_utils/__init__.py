"""What every room uses: scikit-learn's private names, threads, memory maps."""
