"""Another voice where one fails."""
