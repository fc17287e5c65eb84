"""The command `keras-seq`: parses, calls, prints. Frameworks are imported inside the commands that need them."""
