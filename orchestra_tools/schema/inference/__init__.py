"""What samples have in common, and the schema that says so; the public door is `schema.infer`. No I/O."""
