"""What a weak model of any kind says of each row."""
