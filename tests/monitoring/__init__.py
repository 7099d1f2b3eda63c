"""What happens, as it is told and counted."""
