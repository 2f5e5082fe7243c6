"""What is measured, one group of figures each."""
