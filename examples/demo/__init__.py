"""The whole story on one machine: an agent wants to pay money back, and a person decides."""
