"""What matters over many pictures: for a class, and for the pictures that the model gets wrong."""
