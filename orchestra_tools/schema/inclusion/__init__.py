"""Whether all values of one schema are values of another: proof, counter-example, or neither. No I/O."""
