"""Rules, roles and assignments as people ask for them: who may do what, and access reviews."""
