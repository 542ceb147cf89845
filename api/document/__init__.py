"""What the OpenAPI document says beyond types: examples, problems, access, corrections."""
