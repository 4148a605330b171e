"""What is built once over an image set of any size, in one pass: everything that is known of each component."""
