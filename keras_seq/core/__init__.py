"""What every room may use: registration, argument checks, errors, files."""
