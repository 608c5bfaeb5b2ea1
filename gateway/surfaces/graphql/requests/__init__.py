"""What requests say, read strictly."""
